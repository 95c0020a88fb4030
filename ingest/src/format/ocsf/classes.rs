//! What the numbers of OCSF mean: classes, activities, dispositions, confidentiality (1.8.0).

use record::tree::Tree;
use schemas::activity::Text;

use crate::arn;
use crate::event::Event;

/// Class of sign-ins.
pub(super) const AUTHENTICATION: u64 = 3_002;
/// Class of file sharing services.
const FILE_HOSTING: u64 = 6_006;
/// The classes that are read.
pub(super) const KNOWN: [u64; 6] = [AUTHENTICATION, 4_001, 4_002, 6_003, 6_005, FILE_HOSTING];
/// Activities of file hosting that send a file, and that fetch one.
pub(super) const UPLOADS: &[u64] = &[1, 3];
pub(super) const DOWNLOADS: &[u64] = &[2, 9, 14];

fn class_and_activity(event: &Event<'_, '_>) -> (u64, u64) {
    let number = |path| event.number(path).unwrap_or_default();
    (number("class_uid"), number("activity_id"))
}

pub(super) fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(Text::Borrowed(match class_and_activity(event) {
        (6_003, _) if event.word("api/operation").starts_with("tools/call") => "tool_call",
        (6_003, _) => "api_call",
        (4_001, _) => "network_connection",
        (4_002, _) => "http_request",
        (6_005, 1 | 4) => "data_read",
        (6_005, 2 | 5 | 6) => "data_write",
        (6_005, 7) | (FILE_HOSTING, 4) => "data_delete",
        (6_005, 8) => "data_list",
        (FILE_HOSTING, 2 | 9 | 14) => "data_read",
        (FILE_HOSTING, 1 | 3) => "data_write",
        (FILE_HOSTING, 12) => "data_share",
        (AUTHENTICATION, 1 | 2 | 6) => "authentication",
        (AUTHENTICATION, 3..=5) => "token_issue",
        (AUTHENTICATION, 7) => "token_exchange",
        _ => "other",
    }))
}

/// The caption of the activity.
pub(super) fn caption(event: &Event<'_, '_>) -> Option<&'static str> {
    let (class, activity) = class_and_activity(event);
    let captions: &[&str] = match class {
        6_003 => &["Create", "Read", "Update", "Delete"],
        4_001 => &["Open", "Close", "Reset", "Fail", "Refuse", "Traffic", "Listen"],
        4_002 => &["Connect", "Delete", "Get", "Head", "Options", "Post", "Put", "Trace", "Patch"],
        6_005 => &[
            "Read", "Update", "Connect", "Query", "Write", "Create", "Delete", "List", "Encrypt",
            "Decrypt",
        ],
        FILE_HOSTING => &[
            "Upload",
            "Download",
            "Update",
            "Delete",
            "Rename",
            "Copy",
            "Move",
            "Restore",
            "Preview",
            "Lock",
            "Unlock",
            "Share",
            "Unshare",
            "Open",
            "Sync",
            "Unsync",
            "Access Check",
        ],
        AUTHENTICATION => &[
            "Logon",
            "Logoff",
            "Authentication Ticket",
            "Service Ticket Request",
            "Service Ticket Renew",
            "Preauth",
            "Account Switch",
        ],
        _ => &[],
    };
    captions.get(usize::try_from(activity.checked_sub(1)?).ok()?).copied()
}

/// The size of the file, where the activity is one of these.
pub(super) fn moved<'a>(event: &Event<'_, 'a>, activities: &[u64]) -> Option<Text<'a>> {
    let (class, activity) = class_and_activity(event);
    (class == FILE_HOSTING && activities.contains(&activity))
        .then(|| event.text("file/size"))
        .flatten()
}

pub(super) fn classification<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let of_resource = event.at("resources").and_then(|list| {
        list.items()
            .iter()
            .find_map(|item| item.at("data_classifications/0/confidentiality_id", false))
    });
    let id = of_resource.or_else(|| {
        event.first(&[
            "file/confidentiality_id",
            "file/data_classifications/0/confidentiality_id",
            "database/data_classifications/0/confidentiality_id",
            "databucket/data_classifications/0/confidentiality_id",
        ])
    });
    Some(Text::Borrowed(match id.and_then(Tree::unsigned)? {
        1 => "public",
        2 => "confidential",
        3 | 4 | 6 => "restricted",
        _ => "unknown",
    }))
}

pub(super) fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let error = event.word("api/response/error");
    let code = event.number("http_response/code").or_else(|| event.number("api/response/code"));
    let blocked = matches!(event.number("disposition_id"), Some(2 | 25 | 26))
        || event.number("action_id") == Some(2);
    let refused = matches!(code, Some(401 | 403))
        || arn::is_denied(error)
        || arn::is_denied(event.word("status_code"));
    let status = match (event.number("status_id"), event.word("status")) {
        (None, "Success") => Some(1),
        (None, "Failure") => Some(2),
        (id, _) => id,
    };
    Some(Text::Borrowed(match (status, code) {
        _ if blocked || refused => "denied",
        (Some(1), _) => "success",
        (Some(2), _) => "failure",
        (_, Some(code)) if 400 <= code => "failure",
        _ if !error.is_empty() => "failure",
        (_, Some(100..)) => "success",
        _ => "unknown",
    }))
}
