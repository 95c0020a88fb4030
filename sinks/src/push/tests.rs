//! What answers mean; the way there is tested against a receiver.

use super::*;

#[test]
fn only_202_is_a_delivery_and_only_400_is_the_end() {
    for status in [100, 200, 201, 204, 301, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504] {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = meaning(status, None, br#"{"err":"invalid_key"}"#);
        assert!(matches!(answer, Answer::Later { .. }), "{status}: {answer:?}");
    }
    assert_eq!(meaning(StatusCode::ACCEPTED, None, b""), Answer::Accepted);
}

#[test]
fn a_refusal_keeps_known_codes_and_plain_words() {
    let refused = |body: &str| match meaning(StatusCode::BAD_REQUEST, None, body.as_bytes()) {
        Answer::Refused { code, description } => (code, description),
        other => panic!("{other:?}"),
    };
    for code in CODES {
        assert_eq!(refused(&format!("{{\"err\":\"{code}\"}}")), (code, String::new()));
    }
    let long = "x".repeat(10_000);
    for body in ["", "[]", "{\"err\":7}", "{\"err\":\"agent-7\"}", "<html>", long.as_str()] {
        assert_eq!(refused(body).0, OTHER_CODE, "{body}");
    }
    let (_, said) =
        refused(&serde_json::json!({"description": format!("a\r\nb\u{1b}[2J{long}")}).to_string());
    assert!(said.starts_with("ab[2Jxx"), "{said}");
    assert_eq!(said.chars().count(), DESCRIPTION_CHARS_MAX);
}

#[test]
fn a_receiver_may_ask_for_seconds_or_a_date_within_an_hour() {
    let wait = |text: &str| {
        let headers =
            HeaderMap::from_iter([("retry-after".parse().unwrap(), text.parse().unwrap())]);
        // 1994-11-06T08:49:37Z, less 90 seconds.
        retry_after(&headers, 784_111_777_000 - 90_000)
    };
    assert_eq!(wait("120"), Some(Duration::from_secs(120)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(90)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!(wait("999999999999"), Some(RETRY_AFTER_MAX));
    assert_eq!(wait("soon"), None);
}
