//! Principals of AWS: which part of an ARN is stable, and which is one session of it; and what its error
//! codes refuse. Several logs name the same principal, so all of them must make the same agent of it.

use schemas::activity::Text;

/// The stable principal of an ARN: `arn:aws:sts::A:assumed-role/R/S` is `arn:aws:iam::A:role/R`.
pub(crate) fn stable(arn: Text<'_>) -> Text<'_> {
    match assumed_role(&arn) {
        Some((partition, account, role)) => {
            Text::Owned(format!("arn:{partition}:iam::{account}:role/{role}"))
        }
        None => arn,
    }
}

/// The session of an ARN that names one: its last part.
pub(crate) fn session(arn: Text<'_>) -> Option<Text<'_>> {
    let rest = arn.splitn(6, ':').nth(5)?;
    let names_session = rest.starts_with("assumed-role/") || rest.starts_with("federated-user/");
    let at = arn.rfind('/').filter(|_| names_session)?;
    let session = match arn {
        Text::Borrowed(arn) => Text::Borrowed(arn.get(at + 1..)?),
        Text::Owned(arn) => Text::Owned(arn.get(at + 1..)?.to_owned()),
    };
    (!session.is_empty()).then_some(session)
}

fn assumed_role(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_, account, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (role, _) = rest.strip_prefix("assumed-role/")?.rsplit_once('/')?;
    (prefix == "arn" && service == "sts").then_some((partition, account, role))
}

/// Whether an error code says that authorisation refused.
pub(crate) fn is_denied(code: &str) -> bool {
    code.starts_with("AccessDenied")
        || code == "UnauthorizedOperation"
        || code.contains(".Unauthorized")
        || code.contains(".AccessDenied")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_cut_from_its_role() {
        let check = |arn: &'static str, principal: &str, name: Option<&str>| {
            assert_eq!(stable(arn.into()), principal);
            assert_eq!(session(arn.into()).as_deref(), name);
        };
        check("arn:aws:sts::1:assumed-role/R/S", "arn:aws:iam::1:role/R", Some("S"));
        check("arn:aws-cn:sts::1:assumed-role/R/S", "arn:aws-cn:iam::1:role/R", Some("S"));
        check(
            "arn:aws:sts::1:federated-user/bob",
            "arn:aws:sts::1:federated-user/bob",
            Some("bob"),
        );
        for whole in ["arn:aws:iam::1:user/a/bob", "arn:aws:iam::1:root", "bob", "arn:aws::sts:1:x"]
        {
            check(whole, whole, None);
        }
    }
}
