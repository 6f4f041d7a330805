//! Text to [`Policy`]. What AWS would refuse is refused, with its words where they are known.

use crate::condition::Condition;
use crate::document::{
    Effect, Either, Kind, Malformed, Policy, PrincipalPattern, Statement, Version,
};
use crate::json::Node;
use crate::pattern::{ArnPattern, Pattern, Reading};

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";

type Parsed<T> = Result<T, Malformed>;

fn malformed<T>(message: impl Into<String>, at: impl Into<String>) -> Parsed<T> {
    Err(Malformed {
        message: message.into(),
        at: at.into(),
    })
}

/// A mistake of form: AWS's one sentence, and what is wrong.
fn syntax<T>(what: impl std::fmt::Display, at: &str) -> Parsed<T> {
    malformed(format!("{SYNTAX} {what}"), at)
}

impl Policy {
    /// Reads a document of a kind.
    pub fn parse(text: &str, kind: Kind) -> Result<Policy, Malformed> {
        let document: Node = match serde_json::from_str(text) {
            Ok(document) => document,
            Err(e) => return syntax(e, ""),
        };
        let Node::Map(fields) = document else {
            return syntax(
                format!("a policy is an object, not {}", document.kind()),
                "",
            );
        };
        let mut policy = Policy {
            id: None,
            version: Version::Old,
            statements: Vec::new(),
        };
        let mut statements = None;
        for (name, value) in fields {
            match name.as_str() {
                "Version" => policy.version = version(&text_of(value, "Version")?)?,
                "Id" => policy.id = Some(text_of(value, "Id")?),
                "Statement" => statements = Some(value),
                _ => return syntax(format!("unknown element \"{name}\""), ""),
            }
        }
        let list = match statements {
            None => return syntax("\"Statement\" is missing", ""),
            Some(Node::List(list)) if list.is_empty() => {
                return syntax("no statement", "Statement");
            }
            Some(Node::List(list)) => list,
            Some(one) => vec![one],
        };
        for (number, node) in list.into_iter().enumerate() {
            let at = format!("Statement[{number}]");
            let statement = Reader {
                kind,
                variables: policy.version == Version::Current,
                at: &at,
            }
            .statement(node)?;
            let same = |other: &Statement| other.sid == statement.sid;
            if statement.sid.as_ref().is_some_and(|s| !s.is_empty())
                && policy.statements.iter().any(same)
            {
                return malformed(
                    "Statement IDs (SID) in a single policy must be unique.",
                    format!("{at}.Sid"),
                );
            }
            policy.statements.push(statement);
        }
        Ok(policy)
    }
}

fn version(text: &str) -> Parsed<Version> {
    match text {
        "2012-10-17" => Ok(Version::Current),
        "2008-10-17" => Ok(Version::Old),
        _ => syntax(format!("unknown version \"{text}\""), "Version"),
    }
}

fn text_of(node: Node, at: &str) -> Parsed<String> {
    match node {
        Node::Text(text) => Ok(text),
        other => syntax(format!("a string is wanted, not {}", other.kind()), at),
    }
}

/// A string, or an array of strings.
fn texts_of(node: Node, at: &str) -> Parsed<Vec<String>> {
    match node {
        Node::List(list) => list.into_iter().map(|node| text_of(node, at)).collect(),
        one => Ok(vec![text_of(one, at)?]),
    }
}

/// Reads one statement.
struct Reader<'a> {
    kind: Kind,
    variables: bool,
    at: &'a str,
}

/// The elements of a statement, by what they are about; the flag is that of `Not...`.
#[derive(Default)]
struct Elements {
    sid: Option<String>,
    effect: Option<Effect>,
    principals: Option<(bool, Node)>,
    actions: Option<(bool, Node)>,
    resources: Option<(bool, Node)>,
    conditions: Option<Node>,
}

impl Reader<'_> {
    fn at(&self, element: &str) -> String {
        format!("{}.{element}", self.at)
    }

    fn statement(&self, node: Node) -> Parsed<Statement> {
        let elements = self.elements(node)?;
        let Some(effect) = elements.effect else {
            return syntax("\"Effect\" is missing", self.at);
        };
        let actions = match elements.actions {
            Some((negated, node)) => self.actions(negated, node)?,
            None => return malformed("Policy statement must contain actions.", self.at),
        };
        let principals = match (self.kind, elements.principals) {
            (Kind::Identity, None) => None,
            (Kind::Identity, Some(_)) => {
                return malformed("Policy document should not specify a principal.", self.at);
            }
            (_, None) => return malformed("Missing required field Principal", self.at),
            (_, Some((negated, node))) => Some(self.principals(negated, node)?),
        };
        let resources = match (self.kind, elements.resources) {
            (Kind::Trust, Some(_)) => return malformed("Has prohibited field Resource", self.at),
            (Kind::Trust | Kind::Resource, None) => None,
            (Kind::Identity, None) => {
                return malformed("Policy statement must contain resources.", self.at);
            }
            (_, Some((negated, node))) => Some(self.resources(negated, node)?),
        };
        Ok(Statement {
            sid: elements.sid,
            effect,
            principals,
            actions,
            resources,
            conditions: elements
                .conditions
                .map_or(Ok(Vec::new()), |c| self.conditions(c))?,
        })
    }

    fn elements(&self, node: Node) -> Parsed<Elements> {
        let Node::Map(fields) = node else {
            let what = format!("a statement is an object, not {}", node.kind());
            return syntax(what, self.at);
        };
        let mut found = Elements::default();
        for (name, value) in fields {
            let twice = match name.as_str() {
                "Sid" => {
                    found.sid = Some(text_of(value, &self.at("Sid"))?);
                    false
                }
                "Effect" => {
                    found.effect = Some(self.effect(value)?);
                    false
                }
                "Condition" => {
                    found.conditions = Some(value);
                    false
                }
                "Principal" => found.principals.replace((false, value)).is_some(),
                "NotPrincipal" => found.principals.replace((true, value)).is_some(),
                "Action" => found.actions.replace((false, value)).is_some(),
                "NotAction" => found.actions.replace((true, value)).is_some(),
                "Resource" => found.resources.replace((false, value)).is_some(),
                "NotResource" => found.resources.replace((true, value)).is_some(),
                _ => return syntax(format!("unknown element \"{name}\""), self.at),
            };
            if twice {
                let what = format!("\"{name}\" stands beside its opposite");
                return syntax(what, self.at);
            }
        }
        Ok(found)
    }

    fn effect(&self, node: Node) -> Parsed<Effect> {
        let text = text_of(node, &self.at("Effect"))?;
        match text.as_str() {
            "Allow" => Ok(Effect::Allow),
            "Deny" => Ok(Effect::Deny),
            _ => syntax(
                format!("an effect is \"Allow\" or \"Deny\", not \"{text}\""),
                &self.at("Effect"),
            ),
        }
    }

    fn actions(&self, negated: bool, node: Node) -> Parsed<Either<Pattern>> {
        let at = self.at(if negated { "NotAction" } else { "Action" });
        let texts = texts_of(node, &at)?;
        if texts.is_empty() {
            return malformed("Policy statement must contain actions.", at);
        }
        let mut any = Vec::new();
        for text in texts {
            check_action(&text, self.kind).or_else(|message| malformed(message, at.as_str()))?;
            let reading = Reading {
                wildcards: true,
                variables: false,
            };
            match Pattern::parse(&text, reading) {
                Ok(pattern) => any.push(pattern),
                Err(what) => return syntax(what, &at),
            }
        }
        Ok(Either { negated, any })
    }

    fn resources(&self, negated: bool, node: Node) -> Parsed<Either<ArnPattern>> {
        let at = self.at(if negated { "NotResource" } else { "Resource" });
        let texts = texts_of(node, &at)?;
        if texts.is_empty() {
            return malformed("Policy statement must contain resources.", at);
        }
        let mut any = Vec::new();
        for text in texts {
            check_resource(&text).or_else(|message| malformed(message, at.as_str()))?;
            match ArnPattern::parse(&text, self.variables) {
                Ok(pattern) => any.push(pattern),
                Err(what) => return malformed(format!("{LEGACY}: {what}"), at),
            }
        }
        Ok(Either { negated, any })
    }

    fn principals(&self, negated: bool, node: Node) -> Parsed<Either<PrincipalPattern>> {
        let at = self.at(if negated { "NotPrincipal" } else { "Principal" });
        let any = match node {
            Node::Text(text) if text == "*" => vec![PrincipalPattern::Everyone],
            Node::Map(types) if !types.is_empty() => {
                let mut any = Vec::new();
                for (kind, values) in types {
                    let at = format!("{at}.{kind}");
                    for value in texts_of(values, &at)? {
                        match principal(&kind, &value) {
                            Some(pattern) => any.push(pattern),
                            None => {
                                let what =
                                    format!("Invalid principal in policy: \"{kind}\":\"{value}\"");
                                return malformed(what, at);
                            }
                        }
                    }
                }
                any
            }
            Node::Text(text) => {
                return malformed(format!("Invalid principal in policy: \"{text}\""), at);
            }
            other => {
                let what = format!("a principal is \"*\" or an object, not {}", other.kind());
                return syntax(what, &at);
            }
        };
        if any.is_empty() {
            return malformed("Missing required field Principal cannot be empty!", at);
        }
        Ok(Either { negated, any })
    }

    fn conditions(&self, node: Node) -> Parsed<Vec<Condition>> {
        let at = self.at("Condition");
        let Node::Map(operators) = node else {
            let what = format!("conditions are an object, not {}", node.kind());
            return syntax(what, &at);
        };
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let at = format!("{at}.{operator}");
            let Node::Map(keys) = keys else {
                return syntax(format!("an object is wanted, not {}", keys.kind()), &at);
            };
            for (key, values) in keys {
                let at = format!("{at}.{key}");
                if !key.contains(':') {
                    return malformed(VENDOR, at);
                }
                let mut texts = Vec::new();
                let values = match values {
                    Node::List(list) => list,
                    one => vec![one],
                };
                for value in values {
                    match value {
                        Node::Text(text) | Node::Number(text) => texts.push(text),
                        Node::Bool(value) => texts.push(value.to_string()),
                        other => return syntax(format!("a value is not {}", other.kind()), &at),
                    }
                }
                match Condition::parse(&operator, &key, &texts, self.variables) {
                    Ok(condition) => conditions.push(condition),
                    Err(what) => return malformed(format!("{LEGACY}: {what}"), at),
                }
            }
        }
        Ok(conditions)
    }
}

const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";

fn check_action(action: &str, kind: Kind) -> Result<(), String> {
    if action == "*" && kind != Kind::Trust {
        return Ok(());
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return Err(VENDOR.to_owned());
    };
    if name.contains(':') {
        return Err("Actions/Condition can contain only one colon.".to_owned());
    }
    let of_vendor = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if vendor.is_empty() || !vendor.chars().all(of_vendor) {
        return Err(format!("Vendor {vendor} is not valid"));
    }
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '?' | '-' | '_');
    if name.is_empty() || !name.chars().all(of_name) {
        return Err(format!("{SYNTAX} \"{action}\" is not an action"));
    }
    if kind == Kind::Trust && !vendor.eq_ignore_ascii_case("sts") {
        return Err("AssumeRole policy may only specify STS AssumeRole actions.".to_owned());
    }
    Ok(())
}

fn check_resource(resource: &str) -> Result<(), String> {
    if resource == "*" {
        return Ok(());
    }
    let Some(rest) = resource.strip_prefix("arn:") else {
        return Err(format!(
            "Resource {resource} must be in ARN format or \"*\"."
        ));
    };
    let mut parts = rest.splitn(5, ':');
    let partition = parts.next().unwrap_or_default();
    if !partition.starts_with("aws") && !partition.contains('*') {
        return Err(format!(
            "Partition \"{partition}\" is not valid for resource \"{resource}\"."
        ));
    }
    match parts.next() {
        Some(service) if !service.is_empty() && !service.contains(['*', '?', '$']) => Ok(()),
        _ => Err("Resource vendor must be fully qualified and cannot contain regexes.".to_owned()),
    }
}

fn principal(kind: &str, value: &str) -> Option<PrincipalPattern> {
    let account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if value.is_empty() {
        return None;
    }
    match kind {
        "AWS" if value == "*" => Some(PrincipalPattern::Everyone),
        "AWS" if account(value) => Some(PrincipalPattern::Account(value.to_owned())),
        "AWS" => {
            let parts: Vec<&str> = value.splitn(6, ':').collect();
            let ["arn", partition, service, "", owner, name] = parts[..] else {
                return None;
            };
            // A wildcard inside would mean everybody whose name is alike, also tomorrow's.
            let plain =
                partition.starts_with("aws") && account(owner) && !name.contains(['*', '?']);
            match (service, name.split_once('/')) {
                _ if !plain => None,
                ("iam", None) if name == "root" => {
                    Some(PrincipalPattern::Account(owner.to_owned()))
                }
                ("iam", Some(("user" | "role", rest))) if !rest.is_empty() => {
                    Some(PrincipalPattern::Arn(value.to_owned()))
                }
                ("sts", Some(("assumed-role" | "federated-user", rest))) if !rest.is_empty() => {
                    Some(PrincipalPattern::Arn(value.to_owned()))
                }
                _ => None,
            }
        }
        "Service" if value.contains('.') && !value.contains(['*', '?', ':', '/']) => {
            Some(PrincipalPattern::Service(value.to_owned()))
        }
        "Federated" => Some(PrincipalPattern::Federated(value.to_owned())),
        "CanonicalUser" => Some(PrincipalPattern::Canonical(value.to_owned())),
        _ => None,
    }
}
