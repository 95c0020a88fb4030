//! Who may say what, with the secrets that the files of a config hold. What a signature proves is decided at intake.

use std::fs;
use std::path::Path;

use alerting::intake::{Authors, Grant};
use alerting::{SIGNATURE_HEADER, Secret};
use bus::Record;
use config::{AuthorConfig, Config};
use sinks::Signing;

use super::sets::signing;

/// The setting and the place in it, and what is wrong.
type Wrong = (&'static str, usize, String);

/// Reads all secrets that a config names, beside its file: the keys of tokens and the secrets of authors.
pub fn secrets(config: &Config, folder: &Path) -> Result<(Signing, Authors), Wrong> {
    let read = |(at, author): (usize, &AuthorConfig)| {
        let (name, file) = (&author.name, &author.secret_file);
        let text = fs::read_to_string(folder.join(file)).map_err(|why| format!("read it: {why}"));
        let secrets = text.and_then(|text| Secret::read(&text).map_err(|why| why.to_string()));
        let wrong = |why| ("author", at, format!("author `{name}`: {file}: failed to {why}"));
        secrets.map(|secrets| (name.clone(), author.grant(secrets))).map_err(wrong)
    };
    let authors = config.authors().iter().enumerate().map(read).collect::<Result<_, _>>()?;
    Ok((signing(config, folder)?, authors))
}

/// The authors of a config with the secrets that were read; whose secrets were not is never believed.
pub(super) fn known(config: &Config, read: &Authors) -> Authors {
    let grant = |author: &AuthorConfig| {
        let secrets = read.get(&author.name).map(|Grant { secrets, .. }| secrets.clone());
        (author.name.clone(), author.grant(secrets.unwrap_or_default()))
    };
    config.authors().iter().map(grant).collect()
}

/// What its author signed a record with.
pub(super) fn signature(record: &Record) -> Option<&[u8]> {
    let mut headers = record.headers.iter();
    headers.find(|(name, _)| name == SIGNATURE_HEADER).map(|(_, code)| code.as_slice())
}
