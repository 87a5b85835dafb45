//! A program that answers one line for each line it is asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::servers::programs::Program;

/// Ends when its input does: at the latest with the process that started it.
#[derive(Debug)]
pub(in crate::servers) struct Speaker {
    program: Program,
    lines: Mutex<Lines>,
}

impl Speaker {
    pub(in crate::servers) fn start(program: Program, arguments: &[&str]) -> Self {
        let path = program.find().unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new(path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{} did not start: {error}", program.name()));
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both are piped");
        };
        Self {
            program,
            lines: Mutex::new(Lines { child, questions: Some(questions), answers: BufReader::new(answers) }),
        }
    }

    /// Asks, and answers the reply; the error is what kept the program from one.
    pub(in crate::servers) fn ask(&self, question: &Value) -> Result<Value, String> {
        // A test that panicked between question and answer leaves neither half behind: both happen under one lock.
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let answer =
            lines.exchange(question).unwrap_or_else(|error| panic!("{} fell silent: {error}", self.program.name()));
        match answer.get("failed").and_then(Value::as_str) {
            Some(why) => Err(why.to_owned()),
            None => Ok(answer),
        }
    }
}

#[derive(Debug)]
struct Lines {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Lines {
    fn exchange(&mut self, question: &Value) -> std::io::Result<Value> {
        if let Some(questions) = &mut self.questions {
            writeln!(questions, "{question}")?;
            questions.flush()?;
        }
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.child.wait();
    }
}
