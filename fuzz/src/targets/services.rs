//! What the services of others answer, and the files they share.

use solvers::credentials::aws::xml::Element;
use solvers::credentials::aws::{ProfileFile, Profiles};

use super::sound;

/// The shared files of AWS: what is named in them, and that no value is in an error.
pub fn aws_profiles(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for kind in [ProfileFile::Config, ProfileFile::Credentials] {
        let mut profiles = Profiles::new();
        match profiles.add(kind, &text, "file") {
            Ok(()) => {
                for name in profiles.names() {
                    profiles.region(name).err().iter().for_each(sound);
                }
            }
            Err(error) => sound(&error),
        }
    }
}

/// An answer of AWS in XML: what is read is no longer than what was written.
pub fn aws_xml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Element::parse(text) {
        Ok(root) => assert!(letters(&root) <= text.len()),
        Err(error) => sound(&error),
    }
}

fn letters(element: &Element<'_>) -> usize {
    element.name().len() + element.text().len() + element.children().iter().map(letters).sum::<usize>()
}

/// Whatever a Venafi platform answers, to whichever question.
pub fn venafi(bytes: &[u8]) {
    for error in crate::venafi::refusals(bytes) {
        sound(&error);
    }
}
