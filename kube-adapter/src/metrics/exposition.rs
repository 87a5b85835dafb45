//! A writer of Prometheus' text format, version 0.0.4.

use std::fmt::{self, Write as _};

/// A text that is being written, family by family.
#[derive(Default)]
pub(super) struct Text {
    out: String,
}

/// What kind of numbers a family has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

/// Labels in the order they are written: alphabetical, as Go's client has them.
pub(super) type Labels<'a> = [(&'a str, &'a str)];

impl Text {
    /// Begins a family. The prefix is cert-manager's.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        };
        let name = format!("certmanager_{name}");
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family { text: self, name }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        _ = self.out.write_fmt(line);
    }
}

/// A family that is being written.
pub(super) struct Family<'a> {
    text: &'a mut Text,
    name: String,
}

impl Family<'_> {
    /// A number.
    pub(super) fn sample(&mut self, labels: &Labels<'_>, value: f64) {
        self.part("", labels, None, value);
    }

    /// A number under the family's name with `suffix`, and with one label more where there is one.
    pub(super) fn part(&mut self, suffix: &str, labels: &Labels<'_>, last: Option<(&str, &str)>, value: f64) {
        let out = &mut self.text.out;
        out.push_str(&self.name);
        out.push_str(suffix);
        let mut mark = '{';
        for (name, value) in labels.iter().copied().chain(last) {
            out.push(mark);
            mark = ',';
            out.push_str(name);
            out.push_str("=\"");
            escape(out, value);
            out.push('"');
        }
        if mark == ',' {
            out.push('}');
        }
        self.text.line(format_args!(" {value}\n"));
    }
}

fn escape(out: &mut String, value: &str) {
    for char in value.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_written_as_prometheus_reads_it() {
        let mut text = Text::default();
        let mut family = text.family("things", Kind::Gauge, "How many things.");
        family.sample(&[], 2.0);
        family.sample(&[("kind", "odd\"\\\n"), ("name", "ü")], 0.5);
        family.part("_bucket", &[("name", "a")], Some(("le", "+Inf")), 1_767_323_045.0);
        assert_eq!(
            text.finish(),
            "# HELP certmanager_things How many things.\n# TYPE certmanager_things gauge\n\
             certmanager_things 2\n\
             certmanager_things{kind=\"odd\\\"\\\\\\n\",name=\"ü\"} 0.5\n\
             certmanager_things_bucket{name=\"a\",le=\"+Inf\"} 1767323045\n"
        );
    }
}
