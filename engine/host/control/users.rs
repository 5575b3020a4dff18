//! Names of users, for people who read journals.

use std::os::unix::fs::MetadataExt;

/// The name of a user of this machine by `/etc/passwd`; its number where that has none.
pub(super) fn user_name(uid: u32) -> String {
    let table = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&table, uid).unwrap_or_else(|| format!("uid {uid}"))
}

/// The user of this process.
pub(crate) fn own_uid() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|it| it.uid())
}

fn name_in(table: &str, uid: u32) -> Option<String> {
    let of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let is_it = fields.nth(1)?.parse() == Ok(uid) && !name.is_empty();
        is_it.then(|| name.to_string())
    };
    table.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let table = "root:x:0:0:root:/root:/bin/sh\nbad\n:x:5:\nasha:x:1001:1001::/home/asha:\n";
        assert_eq!(name_in(table, 1001).as_deref(), Some("asha"));
        assert_eq!(name_in(table, 0).as_deref(), Some("root"));
        assert_eq!(name_in(table, 5), None);
        assert_eq!(user_name(4_000_000_001), "uid 4000000001");
    }
}
