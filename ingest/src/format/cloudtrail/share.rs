//! Whether a call opens something to another account or to all: an attribute to which one is added, or a
//! policy that allows one. Parameters are looked at here and go nowhere.

use record::lexeme::Lexeme;
use record::path::is_json_object;
use record::tree::Tree;

use crate::event::Event;

/// Steps down that are looked at.
const DEPTH_MAX: usize = 16;

/// Whether the parameters add somebody else.
pub(super) fn reaches_out(event: &Event<'_, '_>) -> bool {
    let Some(parameters) = event.at("requestParameters") else { return false };
    let own = [event.word("recipientAccountId"), event.word("userIdentity/accountId")];
    adds(parameters, &own, DEPTH_MAX)
}

/// Whether a list of additions or a statement that allows names somebody else.
fn adds(tree: &Tree<'_>, own: &[&str], depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match tree {
        Tree::Scalar(Lexeme::Text(text)) if is_json_object(text) => {
            serde_json::from_str::<Tree<'_>>(text).is_ok_and(|inner| adds(&inner, own, depth))
        }
        Tree::Scalar(_) => false,
        Tree::List(items) => items.iter().any(|item| adds(item, own, depth)),
        Tree::Object(members) => {
            let refuses = tree.word("Effect") == Some("Deny");
            members.iter().any(|(key, value)| match key.as_ref() {
                "add" | "valuesToAdd" => names_other(value, own, depth),
                "Principal" if !refuses => names_other(value, own, depth),
                _ => adds(value, own, depth),
            })
        }
    }
}

/// Whether any text is all, or an account or an ARN of another account.
fn names_other(tree: &Tree<'_>, own: &[&str], depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match tree {
        Tree::Scalar(Lexeme::Text(text)) => match account_of(text) {
            Some(account) => !own.contains(&account),
            None => matches!(text.as_ref(), "all" | "*"),
        },
        Tree::Scalar(_) => false,
        Tree::List(items) => items.iter().any(|item| names_other(item, own, depth)),
        Tree::Object(members) => {
            members.iter().any(|(key, value)| key != "Service" && names_other(value, own, depth))
        }
    }
}

fn account_of(text: &str) -> Option<&str> {
    let account = if text.starts_with("arn:") { text.split(':').nth(4)? } else { text };
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then_some(account)
}
