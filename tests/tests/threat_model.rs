//! The threat model names what shows it: each test and each setting that stands there exists.

use std::fs;
use std::path::Path;

use tests::workspace_root;

fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            sources(&path, into);
        } else if name.ends_with(".rs") {
            *into += &fs::read_to_string(&path).expect("a source");
        }
    }
}

#[test]
fn what_the_threat_model_names_exists() {
    let root = workspace_root();
    let page = fs::read_to_string(root.join("docs/threat-model.md")).expect("the page");
    let settings = fs::read_to_string(root.join("docs/config.md")).expect("the reference");
    let mut code = String::new();
    sources(&root, &mut code);
    let (mut tests, mut named) = (0, 0);
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let shown = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap_or_default();
        for word in shown.split('`').skip(1).step_by(2) {
            if settings.contains(&format!("| `{word}` |")) {
                named += 1;
            } else {
                let is_test = code.contains(&format!("#[test]\nfn {word}("))
                    || code.contains(&format!("#[test]\n    fn {word}("))
                    || code.contains(&format!("#[test]\n        fn {word}("));
                assert!(is_test, "{word} is no test and no setting");
                tests += 1;
            }
        }
    }
    assert!(tests > 20 && named > 8, "{tests} tests, {named} settings");
}
