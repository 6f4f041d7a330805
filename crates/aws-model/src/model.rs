//! A service's model at run time: what the wire forms and the checks need of it.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value as Json;

/// A service whose model is read when it is first asked for.
pub struct ServiceRef {
    name: &'static str,
    text: &'static str,
    model: OnceLock<Service>,
}

impl ServiceRef {
    pub(crate) const fn new(name: &'static str, text: &'static str) -> ServiceRef {
        ServiceRef {
            name,
            text,
            model: OnceLock::new(),
        }
    }

    /// Its name, as in `models/`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The model.
    pub fn get(&self) -> &Service {
        self.model
            .get_or_init(|| Service::read(self.name, self.text))
    }
}

/// How a service is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Form parameters in, XML out.
    Query,
    /// JSON both ways, the operation in `X-Amz-Target`.
    Json,
}

/// A service.
#[derive(Debug)]
pub struct Service {
    /// Its name, as in `models/`.
    pub name: &'static str,
    /// Its full name (`Amazon Redshift`).
    pub full_name: String,
    /// Version of the API (`2012-12-01`).
    pub api_version: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// `1.0` or `1.1`.
    pub json_version: String,
    /// Before the dot in `X-Amz-Target`.
    pub target_prefix: String,
    /// Namespace of XML answers.
    pub xml_namespace: String,
    /// The name requests are signed for.
    pub signing_name: String,
    /// True: query codes are sent besides JSON errors if the client asks for them.
    pub query_compatible: bool,
    /// Operations by name.
    pub operations: HashMap<String, OperationModel>,
    shapes: Vec<ShapeModel>,
    by_name: HashMap<String, ShapeId>,
}

/// Place of a shape in its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShapeId(usize);

/// An operation.
#[derive(Debug)]
pub struct OperationModel {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub input: Option<ShapeId>,
    /// What it answers.
    pub output: Option<ShapeId>,
    /// Element around the members of an XML answer.
    pub result_wrapper: Option<String>,
    /// Names of the errors it is known for.
    pub errors: Vec<String>,
    /// True: the request need not be signed.
    pub unsigned: bool,
    /// How its answers are paged.
    pub page: Option<Page>,
}

/// Names of the members of a paged operation.
#[derive(Debug, Clone, Deserialize)]
pub struct Page {
    /// Member of the input that says where to go on.
    pub input_token: String,
    /// Member of the output that says so.
    pub output_token: String,
    /// Member of the input that limits a page.
    pub limit_key: Option<String>,
}

/// A shape.
#[derive(Debug)]
pub struct ShapeModel {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Values are not shown.
    pub sensitive: bool,
}

/// What a shape is.
#[derive(Debug)]
pub enum Kind {
    /// A structure.
    Structure {
        /// Its members.
        members: Vec<Member>,
        /// True: exactly one member is there.
        union: bool,
    },
    /// A list.
    List {
        /// Shape of its items.
        item: ShapeId,
        /// Name of its items on the wire (query, XML).
        item_name: String,
        /// Fewest items.
        min: Option<u64>,
        /// Most items.
        max: Option<u64>,
    },
    /// A map from strings.
    Map {
        /// Shape of its keys.
        key: ShapeId,
        /// Shape of its values.
        value: ShapeId,
        /// Name of a key on the wire (query, XML).
        key_name: String,
        /// Name of a value.
        value_name: String,
        /// Fewest entries.
        min: Option<u64>,
        /// Most entries.
        max: Option<u64>,
    },
    /// A string.
    String {
        /// Shortest, characters.
        min: Option<u64>,
        /// Longest, characters.
        max: Option<u64>,
        /// Text of the pattern, and the pattern if it can be read here.
        pattern: Option<(String, Option<Box<Regex>>)>,
        /// The only values, if they are listed.
        words: Vec<String>,
    },
    /// integer, long
    Integer {
        /// Least.
        min: Option<i64>,
        /// Most.
        max: Option<i64>,
    },
    /// float, double
    Double {
        /// Least.
        min: Option<f64>,
        /// Most.
        max: Option<f64>,
    },
    /// boolean
    Boolean,
    /// timestamp
    Timestamp {
        /// True: ISO 8601 text in JSON, not seconds.
        iso8601: bool,
    },
    /// blob
    Blob {
        /// Most bytes.
        max: Option<u64>,
    },
    /// Any JSON.
    Document,
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its name in the model.
    pub name: String,
    /// Its name on the wire.
    pub wire: String,
    /// Its shape.
    pub shape: ShapeId,
    /// True: it must be there.
    pub required: bool,
}

impl Service {
    /// A shape.
    pub fn shape(&self, id: ShapeId) -> &ShapeModel {
        &self.shapes[id.0]
    }

    /// A shape by its name.
    pub fn shape_named(&self, name: &str) -> Option<ShapeId> {
        self.by_name.get(name).copied()
    }

    /// All shapes.
    pub fn shapes(&self) -> impl Iterator<Item = ShapeId> {
        (0..self.shapes.len()).map(ShapeId)
    }

    /// Reads a model. The models are part of the program and are read by its tests, so that one that
    /// cannot be read is a mistake in building.
    fn read(name: &'static str, text: &str) -> Service {
        let raw: Json = serde_json::from_str(text).unwrap_or_default();
        let text_of = |key: &str| raw[key].as_str().unwrap_or_default().to_string();
        let empty = serde_json::Map::new();
        let shapes = raw["shapes"].as_object().unwrap_or(&empty);
        let by_name: HashMap<String, ShapeId> = shapes
            .keys()
            .enumerate()
            .map(|(at, name)| (name.clone(), ShapeId(at)))
            .collect();
        let id = |json: &Json| json.as_str().and_then(|name| by_name.get(name).copied());
        let pages = raw["paginators"].as_object();
        let operations = raw["operations"]
            .as_object()
            .unwrap_or(&empty)
            .iter()
            .map(|(name, operation)| {
                let model = OperationModel {
                    name: name.clone(),
                    input: id(&operation["input"]),
                    output: id(&operation["output"]),
                    result_wrapper: operation["resultWrapper"].as_str().map(str::to_string),
                    errors: strings(&operation["errors"]),
                    unsigned: operation["authtype"] == "none",
                    page: pages
                        .and_then(|pages| pages.get(name))
                        .and_then(|page| serde_json::from_value(page.clone()).ok()),
                };
                (name.clone(), model)
            })
            .collect();
        let shapes = shapes
            .iter()
            .map(|(name, shape)| ShapeModel {
                name: name.clone(),
                kind: kind(shape, &by_name),
                sensitive: shape["sensitive"] == true,
            })
            .collect();
        let endpoint = text_of("endpointPrefix");
        let signing = text_of("signingName");
        Service {
            name,
            full_name: text_of("serviceFullName"),
            api_version: text_of("apiVersion"),
            protocol: if raw["protocol"] == "query" {
                Protocol::Query
            } else {
                Protocol::Json
            },
            json_version: text_of("jsonVersion"),
            target_prefix: text_of("targetPrefix"),
            xml_namespace: text_of("xmlNamespace"),
            signing_name: if signing.is_empty() {
                endpoint
            } else {
                signing
            },
            query_compatible: raw.get("awsQueryCompatible").is_some(),
            operations,
            shapes,
            by_name,
        }
    }
}

fn strings(json: &Json) -> Vec<String> {
    json.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_string))
        .collect()
}

fn kind(shape: &Json, by_name: &HashMap<String, ShapeId>) -> Kind {
    let id = |json: &Json| {
        json["shape"]
            .as_str()
            .and_then(|name| by_name.get(name).copied())
            .unwrap_or(ShapeId(0))
    };
    let name_of = |json: &Json, otherwise: &str| {
        json["locationName"]
            .as_str()
            .unwrap_or(otherwise)
            .to_string()
    };
    let (min, max) = (shape["min"].as_u64(), shape["max"].as_u64());
    match shape["type"].as_str().unwrap_or_default() {
        _ if shape["document"] == true => Kind::Document,
        "structure" => {
            let required = strings(&shape["required"]);
            Kind::Structure {
                members: shape["members"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, member)| Member {
                        name: name.clone(),
                        wire: name_of(member, name),
                        shape: id(member),
                        required: required.contains(name),
                    })
                    .collect(),
                union: shape["union"] == true,
            }
        }
        "list" => Kind::List {
            item: id(&shape["member"]),
            item_name: name_of(&shape["member"], "member"),
            min,
            max,
        },
        "map" => Kind::Map {
            key: id(&shape["key"]),
            value: id(&shape["value"]),
            key_name: name_of(&shape["key"], "key"),
            value_name: name_of(&shape["value"], "value"),
            min,
            max,
        },
        "integer" | "long" => Kind::Integer {
            min: shape["min"].as_i64(),
            max: shape["max"].as_i64(),
        },
        "float" | "double" => Kind::Double {
            min: shape["min"].as_f64(),
            max: shape["max"].as_f64(),
        },
        "boolean" => Kind::Boolean,
        "timestamp" => Kind::Timestamp {
            iso8601: shape["timestampFormat"] == "iso8601",
        },
        "blob" => Kind::Blob { max },
        _ => Kind::String {
            min,
            max,
            // Patterns of the models are meant for the whole value.
            pattern: shape["pattern"].as_str().map(|text| {
                (
                    text.to_string(),
                    Regex::new(&format!("^(?s:{text})$")).ok().map(Box::new),
                )
            }),
            words: strings(&shape["enum"]),
        },
    }
}
