use super::*;

fn put(bucket: &BucketDir, key: &str, bytes: &[u8]) {
    let mut file = bucket.begin().unwrap();
    file.write(bytes).unwrap();
    let meta = ObjectMeta {
        key: key.to_string(),
        etag: hex::encode(file.md5()),
        ..ObjectMeta::default()
    };
    bucket.finish(file, meta, false).unwrap();
}

fn keys(page: &list::Page) -> Vec<&str> {
    page.objects.iter().map(|o| o.key.as_str()).collect()
}

#[test]
fn objects_survive_a_restart_and_odd_keys_are_safe() {
    let dir = tempfile::tempdir().unwrap();
    let odd = [
        "a",
        "a/b",
        "../../etc/passwd",
        "//x",
        "é\u{10FFFF}",
        "sp ace+%",
    ];
    {
        let store = BucketStore::open(dir.path()).unwrap();
        assert!(store.create_bucket("one").unwrap());
        assert!(!store.create_bucket("one").unwrap());
        let bucket = store.bucket("one").unwrap();
        for key in odd {
            put(&bucket, key, key.as_bytes());
        }
        put(&bucket, "a", b"newer");
    }
    let store = BucketStore::open(dir.path()).unwrap();
    let bucket = store.bucket("one").unwrap();
    assert_eq!(bucket.list_all("").unwrap().len(), odd.len());
    let meta = bucket.meta("a").unwrap();
    assert_eq!((meta.size, meta.etag.len()), (5, 32));
    assert_eq!(
        store.delete_bucket("one").unwrap_err().code,
        "BucketNotEmpty"
    );
    for key in odd {
        assert!(bucket.delete(key).unwrap());
        assert!(!bucket.delete(key).unwrap());
    }
    assert_eq!(bucket.meta("a").unwrap_err().code, "NoSuchKey");
    store.delete_bucket("one").unwrap();
    assert_eq!(store.bucket("one").unwrap_err().code, "NoSuchBucket");
}

#[test]
fn listing_groups_by_delimiter_and_pages() {
    let dir = tempfile::tempdir().unwrap();
    let store = BucketStore::open(dir.path()).unwrap();
    store.create_bucket("two").unwrap();
    let bucket = store.bucket("two").unwrap();
    for key in ["a-b", "a/1", "a/2", "b", "c/d/e", "c0", "p/q"] {
        put(&bucket, key, b"");
    }
    let all = bucket.list("", Some("/"), None, 1000).unwrap();
    assert_eq!(keys(&all), ["a-b", "b", "c0"]);
    assert_eq!(all.prefixes, ["a/", "c/", "p/"]);
    assert!(all.next.is_none());

    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = bucket.list("", Some("/"), after.as_deref(), 1).unwrap();
        assert!(page.objects.len() + page.prefixes.len() == 1);
        seen.extend(page.objects.iter().map(|o| o.key.clone()));
        seen.extend(page.prefixes.clone());
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["a-b", "a/", "b", "c/", "c0", "p/"]);
    let below = bucket.list("a/", None, Some("a/1"), 10).unwrap();
    assert_eq!(keys(&below), ["a/2"]);
}

#[test]
fn an_unfinished_object_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = BucketStore::open(dir.path()).unwrap();
    store.create_bucket("three").unwrap();
    let bucket = store.bucket("three").unwrap();
    let mut file = bucket.begin().unwrap();
    file.write(b"half").unwrap();
    drop(file);
    assert!(bucket.list_all("").unwrap().is_empty());
    let left = std::fs::read_dir(dir.path().join(".unfinished")).unwrap();
    assert_eq!(left.count(), 0);
}
