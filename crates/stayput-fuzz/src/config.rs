//! `stayput.toml`.

use std::path::Path;

use miette::Diagnostic;

/// Gives a text to the reader of `stayput.toml`.
///
/// Checked: a refusal has at least one error, each with a position in the text, and it can be drawn as the binary draws it.
pub fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Err(errors) = stayput_estate::parse("stayput.toml", text, Path::new("/estate")) else {
        return;
    };
    assert!(!errors.errors().is_empty(), "a refusal without an error");
    let lines = text.matches('\n').count() + 1;
    for error in errors.errors() {
        let position = errors.position(error);
        let is_in_text = (1..=lines).contains(&position.line) && position.column >= 1;
        assert!(is_in_text, "{error} is at {position:?} of {lines} lines");
        assert!(!error.to_string().is_empty(), "an error without a text");
        let _ = error.help().map(|help| help.to_string());
        let _ = error.code().map(|code| code.to_string());
    }
    let handler =
        miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::unicode_nocolor())
            .with_width(100);
    let mut report = String::new();
    let drawn = handler.render_report(&mut report, &errors);
    assert!(drawn.is_ok(), "the errors cannot be drawn: {errors:?}");
}
