//! JSON as a tree, for values with a schema and for objects that may name a member twice.

use berth_guest::limits::DEPTH;
use berth_guest::{Builder, Tag};

use crate::json_lexer::{is_whole, to_f64, to_i64, Lexer, Read};
use crate::json_text::Text;

/// A JSON value; numbers keep their text.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Text<'a>),
    Array(Vec<Node<'a>>),
    Object(Vec<(Text<'a>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Member of an object.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        match self {
            Node::Object(members) => members.iter().find(|(k, _)| k.shown == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Jackson's name of the kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "NULL",
            Node::Bool(_) => "BOOLEAN",
            Node::Number(_) => "NUMBER",
            Node::Text(_) => "STRING",
            Node::Array(_) => "ARRAY",
            Node::Object(_) => "OBJECT",
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(&text.shown),
            _ => None,
        }
    }
}

impl<'a> Lexer<'a> {
    /// Reads the value that follows as a tree. Of members with one name the last one counts.
    pub fn node(&mut self, depth: usize) -> Read<Node<'a>> {
        if depth > DEPTH {
            return self.problem("nested deeper than 1000 levels");
        }
        Ok(match self.peek() {
            Some(b'"') => Node::Text(self.string()?),
            Some(b'{') => {
                let mut members: Vec<(Text<'a>, Node<'a>)> = Vec::new();
                if !self.empty(b'}') {
                    loop {
                        self.key_follows()?;
                        let key = self.string()?;
                        self.colon()?;
                        let value = self.node(depth + 1)?;
                        match members.iter_mut().find(|(k, _)| *k == key) {
                            Some(member) => member.1 = value,
                            None => members.push((key, value)),
                        }
                        if !self.another(b'}')? {
                            break;
                        }
                    }
                }
                Node::Object(members)
            }
            Some(b'[') => {
                let mut items = Vec::new();
                if !self.empty(b']') {
                    items.push(self.node(depth + 1)?);
                    while self.another(b']')? {
                        items.push(self.node(depth + 1)?);
                    }
                }
                Node::Array(items)
            }
            Some(b't') => {
                self.word("true")?;
                Node::Bool(true)
            }
            Some(b'f') => {
                self.word("false")?;
                Node::Bool(false)
            }
            Some(b'n') => {
                self.word("null")?;
                Node::Null
            }
            Some(b'-' | b'0'..=b'9') => Node::Number(self.number(depth == 0)?.0),
            Some(_) => return self.problem("unexpected character"),
            None => return self.problem("unexpected end"),
        })
    }
}

/// Writes a tree as a schemaless value.
pub fn build_node(node: &Node<'_>, b: &mut Builder<'_>) {
    match node {
        Node::Null => b.null(),
        Node::Bool(x) => b.boolean(*x),
        Node::Number(text) if is_whole(text) => b.i64(to_i64(text)),
        Node::Number(text) => b.f64(to_f64(text)),
        Node::Text(text) => text.build(b),
        Node::Array(items) => {
            b.open(Tag::Array);
            items.iter().for_each(|item| build_node(item, b));
            b.close_array();
        }
        Node::Object(members) => {
            b.open(Tag::Map);
            for (key, value) in members {
                key.build(b);
                build_node(value, b);
            }
            b.close_map();
        }
    }
}
