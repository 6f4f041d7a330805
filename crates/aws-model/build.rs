//! Writes the Rust types of the models: a structure for every structure shape, a type for every
//! operation (which ties its input to its output), a function for every error.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use heck::ToSnakeCase;
use serde_json::Value;

/// Module and file of each service.
const SERVICES: &[(&str, &str)] = &[
    ("events", "events"),
    ("iam", "iam"),
    ("kms", "kms"),
    ("redshift", "redshift"),
    ("redshift_data", "redshift-data"),
    ("redshift_serverless", "redshift-serverless"),
    ("secretsmanager", "secretsmanager"),
    ("sns", "sns"),
    ("sts", "sts"),
];

fn main() {
    println!("cargo:rerun-if-changed=models");
    println!("cargo:rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let mut all = String::new();
    for (module, file) in SERVICES {
        let text = std::fs::read_to_string(format!("models/{file}.json")).expect("the model");
        let model: Value = serde_json::from_str(&text).expect("a model is JSON");
        all.push_str(&service(module, file, &model));
    }
    let _ = write!(
        all,
        "/// Every service.\npub const SERVICES: &[&crate::ServiceRef] = &[{}];\n",
        SERVICES
            .iter()
            .map(|(module, _)| format!("&{module}::SERVICE"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    std::fs::write(Path::new(&out).join("generated.rs"), all).expect("OUT_DIR is writable");
}

fn service(module: &str, file: &str, model: &Value) -> String {
    let shapes = model["shapes"].as_object().expect("shapes");
    let full = model["serviceFullName"].as_str().unwrap_or(file);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "/// {full}: its shapes, operations and errors.\n\
         #[allow(missing_docs, clippy::all)]\npub mod {module} {{\n\
         use crate::{{Fields, Shape, Value}};\n\
         /// The service's model.\n\
         pub static SERVICE: crate::ServiceRef = crate::ServiceRef::new(\"{file}\", include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/models/{file}.json\")));\n"
    );
    for (name, shape) in shapes {
        if shape["type"] == "structure" && shape.get("exception").is_none() {
            out.push_str(&structure(name, shape, shapes));
        }
    }
    let _ = writeln!(
        out,
        "/// The operations.\npub mod op {{\nuse crate::Operation;\n"
    );
    let operations = model["operations"].as_object().expect("operations");
    for (name, operation) in operations {
        let of = |key: &str| match operation[key].as_str() {
            Some(shape) => format!("super::{shape}"),
            None => "crate::Nothing".to_string(),
        };
        let _ = writeln!(
            out,
            "#[derive(Debug, Clone, Copy)]\npub struct {name};\nimpl Operation for {name} {{\n\
             const NAME: &'static str = \"{name}\";\n\
             type Input = {};\ntype Output = {};\n\
             fn service() -> &'static crate::ServiceRef {{ &super::SERVICE }}\n}}",
            of("input"),
            of("output"),
        );
    }
    let _ = writeln!(
        out,
        "}}\n/// The errors: each takes its message.\npub mod errors {{\nuse crate::ApiError;\n"
    );
    let mut seen = BTreeSet::new();
    for (name, shape) in shapes {
        let Some(exception) = shape.get("exception") else {
            continue;
        };
        let function = ident(&name.to_snake_case());
        if !seen.insert(function.clone()) {
            continue;
        }
        let code = exception["code"].as_str().unwrap_or(name);
        let fault = exception["fault"].as_bool().unwrap_or(false);
        let status = exception["httpStatusCode"]
            .as_u64()
            .unwrap_or(if fault { 500 } else { 400 });
        let _ = writeln!(
            out,
            "pub fn {function}(message: impl Into<String>) -> ApiError {{\n\
             ApiError::of(\"{name}\", \"{code}\", {status}, message)\n}}"
        );
    }
    out.push_str("}\n}\n");
    out
}

fn structure(name: &str, shape: &Value, shapes: &serde_json::Map<String, Value>) -> String {
    let required: BTreeSet<&str> = shape["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let empty = serde_json::Map::new();
    let members = shape["members"].as_object().unwrap_or(&empty);
    let (mut fields, mut from, mut into) = (String::new(), String::new(), String::new());
    let mut names = BTreeMap::new();
    for (member, def) in members {
        let field = ident(&member.to_snake_case());
        if let Some(other) = names.insert(field.clone(), member) {
            panic!("{name}: {member} and {other} have the same name");
        }
        let rust = rust_type(def["shape"].as_str().expect("a shape"), shapes);
        if required.contains(member.as_str()) {
            let _ = writeln!(fields, "pub {field}: {rust},");
            let _ = writeln!(from, "{field}: fields.required(\"{member}\"),");
            let _ = writeln!(into, "fields.put(\"{member}\", self.{field});");
        } else {
            let _ = writeln!(fields, "pub {field}: Option<{rust}>,");
            let _ = writeln!(from, "{field}: fields.optional(\"{member}\"),");
            let _ = writeln!(into, "fields.put_some(\"{member}\", self.{field});");
        }
    }
    format!(
        "#[derive(Debug, Clone, Default, PartialEq)]\npub struct {name} {{\n{fields}}}\n\
         impl Shape for {name} {{\n\
         fn from_value(value: Value) -> Self {{\nlet {mut_}fields = Fields::of(value);\n\
         {unused}{name} {{\n{from}}}\n}}\n\
         fn into_value(self) -> Value {{\nlet {mut_}fields = Fields::default();\n{into}fields.into_value()\n}}\n}}\n",
        mut_ = if members.is_empty() { "" } else { "mut " },
        unused = if members.is_empty() {
            "let _ = fields;\n"
        } else {
            ""
        },
    )
}

fn rust_type(name: &str, shapes: &serde_json::Map<String, Value>) -> String {
    let shape = &shapes[name];
    match shape["type"].as_str().expect("a type") {
        "structure" => name.to_string(),
        "list" => format!(
            "Vec<{}>",
            rust_type(shape["member"]["shape"].as_str().expect("a member"), shapes)
        ),
        "map" => format!(
            "std::collections::BTreeMap<String, {}>",
            rust_type(shape["value"]["shape"].as_str().expect("a value"), shapes)
        ),
        "integer" | "long" => "i64".into(),
        "float" | "double" => "f64".into(),
        "boolean" => "bool".into(),
        "timestamp" => "chrono::DateTime<chrono::Utc>".into(),
        "blob" => "bytes::Bytes".into(),
        _ => "String".into(),
    }
}

fn ident(name: &str) -> String {
    match name {
        "type" | "match" | "move" | "ref" | "use" | "where" | "default" | "in" | "for" | "as"
        | "mod" | "enum" | "struct" | "static" | "const" | "impl" | "loop" | "if" | "else"
        | "fn" | "let" | "return" => format!("r#{name}"),
        _ => name.to_string(),
    }
}
