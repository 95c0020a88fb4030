//! Security event tokens as the page for identity engineers tells of them.

use alerting::set::{RiskChange, SetKind, SetReceiver, SetSettings, of_risk};
use schemas::trust::RiskLevel;
use schemas::{Authority, EventTime};
use tests::workspace_root;

#[test]
fn the_page_for_identity_engineers_shows_what_is_sent() {
    let page = std::fs::read_to_string(workspace_root().join("docs/sets.md")).expect("a page");
    let receiver = SetReceiver {
        id: "idp".to_owned(),
        audience: "https://idp.acme.example/ssf".to_owned(),
        events: vec![SetKind::RiskLevelChange],
        principal: "USER".to_owned(),
        subject_issuer: Some("https://idp.acme.example".to_owned()),
        tenants: Vec::new(),
    };
    let issuer = "https://habitus.acme.example".to_owned();
    let sets = SetSettings { issuer, receivers: vec![receiver] };
    let settings = alerting::Settings { sets, ..alerting::Settings::default() };
    let time = EventTime::parse("2026-01-01T00:00:00Z").expect("a time");
    let change = RiskChange {
        id: "rl-1".to_owned(),
        tenant_id: "acme".to_owned(),
        agent_id: "agent-7".to_owned(),
        authority: Authority::Autonomous,
        txn: "rl-1".to_owned(),
        signal: None,
        before: RiskLevel::Low,
        after: RiskLevel::High,
        trust: 12.5,
        log_time: time,
        time,
    };
    let claims = &of_risk(&settings, &change)[0].claims;
    let claims = serde_json::to_string_pretty(claims).expect("JSON");
    assert!(page.contains(&claims), "docs/sets.md lacks:\n{claims}");
    for kind in SetKind::ALL {
        assert!(page.contains(&format!("`{}`", kind.as_str())), "{kind:?}");
    }
}
