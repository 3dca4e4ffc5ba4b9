//! Errors that a plugin returns. Their kind decides what the worker does: retry, skip, dead-letter or fail the task.

use std::fmt;

/// What kind of failure it is; the number is the code of section 4 of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The same call may succeed later (Connect's RetriableException).
    Retriable = 1,
    /// The record can't be processed (DataException); `errors.tolerance` applies.
    Data = 2,
    /// The configuration is wrong (ConfigException).
    Config = 3,
    /// Any other failure (ConnectException): the task fails.
    Connect = 4,
    /// A sink gives this record up; a dead-letter topic may take it.
    Errant = 5,
    /// The SDK or the host broke its own rules.
    Internal = 6,
}

impl Kind {
    /// The kind of a code of the ABI.
    pub fn of(code: u32) -> Option<Kind> {
        let all = [Kind::Retriable, Kind::Data, Kind::Config, Kind::Connect, Kind::Errant, Kind::Internal];
        all.into_iter().find(|kind| *kind as u32 == code)
    }
}

/// An error with a message for the user: what failed, on which value, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    /// Exception class to show when it is not the one of the kind.
    pub class: Option<&'static str>,
    /// Exceptions that caused it, outermost first: class and message.
    pub causes: Vec<(&'static str, String)>,
    /// Path of the field that it is about; empty = none known.
    pub field: String,
    /// It is not the record's: the whole batch fails with it, or is given again if it is retriable.
    pub of_batch: bool,
}

/// Result of everything that can fail in a plugin.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), class: None, causes: Vec::new(), field: String::new(), of_batch: false }
    }

    pub fn retriable(message: impl Into<String>) -> Self {
        Self::new(Kind::Retriable, message)
    }

    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Kind::Data, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    pub fn connect(message: impl Into<String>) -> Self {
        Self::new(Kind::Connect, message)
    }

    pub fn errant(message: impl Into<String>) -> Self {
        Self::new(Kind::Errant, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Names the exception class that Connect would show.
    pub fn class(mut self, class: &'static str) -> Self {
        self.class = Some(class);
        self
    }

    /// Says that the whole batch fails, not only the record at hand.
    pub fn of_batch(mut self) -> Self {
        self.of_batch = true;
        self
    }

    /// Appends a cause.
    pub fn caused_by(mut self, class: &'static str, message: impl Into<String>) -> Self {
        self.causes.push((class, message.into()));
        self
    }

    /// Says in which field, or item (`[3]`), of the value it arose; to be called on the way out, the innermost first.
    pub fn at(mut self, step: &str) -> Self {
        let dot = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field = format!("{step}{dot}{}", self.field);
        self
    }

    /// The text of a record's error in a batch: the message, and a line for each thing else that is known (section 4).
    pub(crate) fn text(&self) -> String {
        let mut text = self.message.clone();
        if !self.field.is_empty() {
            text += &format!("\nField: {}", self.field);
        }
        for (class, message) in &self.causes {
            let separator = if message.is_empty() { "" } else { ": " };
            text += &format!("\nCaused by: {class}{separator}{message}");
        }
        text
    }

    /// Reads the message and the field out of such a text.
    pub(crate) fn of_text(kind: Kind, text: &str) -> Self {
        let message = text.split("\nCaused by: ").next().unwrap_or(text);
        let (message, field) = message.rsplit_once("\nField: ").unwrap_or((message, ""));
        Error { field: field.to_string(), ..Self::new(kind, message) }
    }

    /// The exception class that stands for the error.
    pub fn class_name(&self) -> &'static str {
        self.class.unwrap_or(match self.kind {
            Kind::Retriable => "org.apache.kafka.connect.errors.RetriableException",
            Kind::Data => "org.apache.kafka.connect.errors.DataException",
            Kind::Config => "org.apache.kafka.common.config.ConfigException",
            Kind::Connect | Kind::Errant | Kind::Internal => "org.apache.kafka.connect.errors.ConnectException",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Bytes that are not the layout of the ABI.
pub(crate) fn malformed(what: &str) -> Error {
    Error::internal(format!("malformed {what}: the host and this module disagree about the ABI; rebuild the module"))
}

#[cfg(test)]
mod tests {
    use super::{Error, Kind};

    #[test]
    fn text_has_a_line_for_all_that_is_known() {
        assert_eq!(Error::data("bad").text(), "bad");
        let error = Error::data("bad").at("c").at("[1]").at("b").at("a").class("x.Bad").caused_by("x.Io", "eof");
        assert_eq!(error.text(), "bad\nException: x.Bad\nField: a.b[1].c\nCaused by: x.Io: eof");
        let read = Error::of_text(Kind::Data, &error.text());
        assert_eq!((read.message.as_str(), read.field.as_str()), ("bad", "a.b[1].c"));
    }
}
