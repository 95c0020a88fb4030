"""Two agents that tell of themselves with the OpenTelemetry SDK: a planner, and in the same trace a researcher that it
calls. Six days of the same work, then one tool call that is unlike all others. Spans end, and are sent, children first;
now and then a run pauses, so that its parts come in different batches. Before each of the last two runs it prints
`next` and waits for a line: what came before may be read first. Prints what was sent, as JSON.

usage: agent.py http://HOST:PORT/v1/traces | FILE

With a FILE, what the exporter would send is written there, each request after its length in four bytes.
"""

import json
import sys
import time

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

SECOND = 1_000_000_000
DAYS, RUNS_A_DAY = 6, 30


class ToFile(SpanExporter):
    def __init__(self, path):
        self.file = open(path, "wb")

    def export(self, spans):
        request = encode_spans(spans).SerializeToString()
        self.file.write(len(request).to_bytes(4, "little") + request)
        return SpanExportResult.SUCCESS

    def shutdown(self):
        self.file.close()


class Work:
    def __init__(self, target):
        self.to_network = target.startswith("http")
        exporter = OTLPSpanExporter(endpoint=target) if self.to_network else ToFile(target)
        self.provider = TracerProvider(resource=Resource({"service.name": "desk"}))
        self.provider.add_span_processor(SimpleSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("agents", "1.0")
        self.now = 0
        self.sent = {}

    def span(self, name, kind, attributes, parent, agent):
        """Begins a span; `done` ends it."""
        context = trace.set_span_in_context(parent) if parent else None
        span = self.tracer.start_span(
            name, context, kind, attributes, start_time=self.now
        )
        self.now += SECOND
        return span, agent

    def done(self, span, agent):
        span.end(end_time=self.now)
        self.now += SECOND
        ids = span.get_span_context()
        self.sent[f"{ids.trace_id:032x}:{ids.span_id:016x}"] = agent

    def call(self, parent, agent, tool, host):
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.call.id": f"call-{len(self.sent)}",
            "server.address": host,
            "server.port": 443,
        }
        name = f"execute_tool {tool}"
        span, _ = self.span(name, trace.SpanKind.CLIENT, attributes, parent, agent)
        self.done(span, agent)
        ids = span.get_span_context()
        return f"{ids.trace_id:032x}:{ids.span_id:016x}"

    def agent(self, name, parent):
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": name,
            "gen_ai.agent.name": name.title(),
            "gen_ai.provider.name": "example",
        }
        return self.span(f"invoke_agent {name}", trace.SpanKind.INTERNAL, attributes, parent, name)

    def run(self, start, pauses, odd):
        """One run of both agents; returns the id of the odd call."""
        self.now = start
        planner, _ = self.agent("planner", None)
        self.call(planner, "planner", "read_ticket", "tickets.example")
        # A span that is no activity stands between the agents: structure of the program.
        step, _ = self.span("step", trace.SpanKind.INTERNAL, {}, planner, None)
        researcher, _ = self.agent("researcher", step)
        self.call(researcher, "researcher", "search", "search.example")
        self.call(researcher, "researcher", "fetch_page", "search.example")
        found = None
        if odd:
            found = self.call(researcher, "researcher", "upload_archive", "files.paste-drop.example")
        if pauses and self.to_network:
            time.sleep(0.4)
        self.done(researcher, "researcher")
        self.done(step, None)
        self.call(planner, "planner", "update_ticket", "tickets.example")
        if pauses and self.to_network:
            time.sleep(0.4)
        self.done(planner, "planner")
        return found


def main():
    work = Work(sys.argv[1])
    now = time.time_ns()
    found = None
    for day in range(DAYS):
        for number in range(RUNS_A_DAY):
            last = day == DAYS - 1 and number == RUNS_A_DAY - 1
            if day == DAYS - 1 and number >= RUNS_A_DAY - 2:
                print("next", flush=True)
                sys.stdin.readline()
            back = (DAYS - 1 - day) * 86_400 + (RUNS_A_DAY - number) * 600
            found = work.run(now - back * SECOND, number % 10 == 3 or last, last) or found
    work.provider.shutdown()
    print(json.dumps({"odd": found, "spans": work.sent}))


if __name__ == "__main__":
    main()
