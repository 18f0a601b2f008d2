//! Both languages have the same texts.

use serde_json::Value;
use std::collections::BTreeSet;

fn collect_keys(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| collect_keys(value, &format!("{path}.{name}"), found)),
        Value::String(text) => {
            let arguments: BTreeSet<_> = text
                .split("{{ ")
                .skip(1)
                .filter_map(|rest| rest.split(" }}").next())
                .collect();
            found.insert(format!("{path} {arguments:?}"));
        }
        _ => panic!("{path} is not a text"),
    }
}

#[test]
fn every_text_exists_in_both_languages_with_the_same_arguments() {
    let read = |json: &str| {
        let mut found = BTreeSet::new();
        collect_keys(&serde_json::from_str(json).unwrap(), "", &mut found);
        found
    };
    let (ru, en) = (
        read(include_str!("../../locales/ru.json")),
        read(include_str!("../../locales/en.json")),
    );
    assert_eq!(
        ru.symmetric_difference(&en).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}
