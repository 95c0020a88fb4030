//! Cases of tidy: each rule is made to fire, and to stay silent beside what it forbids.

use std::collections::BTreeMap;

use super::{check_paths, check_sizes, check_source, without_tests};

fn source_findings(path: &str, text: &str) -> usize {
    let mut problems = Vec::new();
    check_source(path, text, &mut problems);
    problems.len()
}

#[test]
fn source_rules_fire_where_they_should() {
    for (path, text, expected) in [
        ("lane/src/batch.rs", "//! A batch.\nfn f() {}\n", 0),
        ("lane/src/batch.rs", "fn f() {}\n", 1),
        ("lane/src/utils.rs", "//! All sorts.\n", 1),
        ("lane/src/helpers/a.rs", "//! All sorts.\n", 1),
        ("lane/src/batch.rs", "//! A.\n#[allow(dead_code)]\nfn f() {}\n", 1),
        ("lane/src/batch.rs", "//! A.\n// never #[allow(x)]\n", 0),
        ("lane/src/batch.rs", "//! A.\n    #[ignore = \"slow\"]\n", 1),
        ("lane/src/part/mod.rs", "//! A.\n\nmod a;\npub use a::{\n    B, C,\n};\n", 0),
        ("lane/src/part/mod.rs", "//! A.\npub(crate) fn f() {}\n", 1),
        ("schemas/src/id.rs", "//! A.\nuse std::collections::HashMap;\n", 1),
        ("schemas/src/id.rs", "//! A.\nstruct InstantLike; // an Instant\n", 0),
        ("schemas/src/id.rs", "//! A.\nlet out = std::io::stdout();\n", 1),
        ("schemas/src/id.rs", "//! A.\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n", 0),
        ("schemas/src/id/tests.rs", "//! A.\nuse std::fs;\n", 0),
        ("lane/src/batch.rs", "//! A.\nuse std::fs;\n", 0),
    ] {
        assert_eq!(source_findings(path, text), expected, "{path}: {text}");
    }
}

#[test]
fn places_of_one_machine_are_found_at_the_start_of_a_path() {
    let work = concat!("/wo", "rk/");
    for (text, expected) in [
        (format!("see {work}main"), 1),
        (format!("`..{}`", concat!("/sha", "red/docs")), 1),
        (format!("https://example.org{work}a"), 0),
        (format!("net{work}a"), 0),
    ] {
        let mut problems = Vec::new();
        check_paths("docs/a.md", &text, &mut problems);
        assert_eq!(problems.len(), expected, "{text}");
    }
}

#[test]
fn tests_do_not_count_as_lines() {
    let text = "//! A.\n#[cfg(test)]\nmod tests;\nfn f() {}\n#[cfg(test)]\nmod more {\n    fn g() {\n    }\n}\nfn h() {}\n";
    let kept: Vec<usize> = without_tests(text).into_iter().map(|(number, _)| number).collect();
    assert_eq!(kept, [1, 4, 10]);
}

#[test]
fn the_ratchet_lets_old_files_shrink_only() {
    for (lines, ratchet, expected) in [
        (450, "", 0),
        (451, "", 1),
        (500, "a/src/b.rs 500", 0),
        (501, "a/src/b.rs 500", 1),
        (480, "a/src/b.rs 500", 1),
        (450, "a/src/b.rs 500", 1),
    ] {
        let mut problems = Vec::new();
        check_sizes(&BTreeMap::from([("a/src/b.rs".to_owned(), lines)]), ratchet, &mut problems);
        assert_eq!(problems.len(), expected, "{lines} {ratchet}");
    }
    let mut problems = Vec::new();
    let whole: BTreeMap<String, usize> =
        (0..10).map(|n| (format!("habitus/src/{n}.rs"), 301)).collect();
    check_sizes(&whole, "", &mut problems);
    assert_eq!(problems.len(), 1);
}
