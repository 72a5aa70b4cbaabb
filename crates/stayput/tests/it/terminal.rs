//! Progress on a terminal: what stays on the screen when a run is over.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::lab::Lab;
use crate::lab::apply;

/// Wider than any line of a finished step.
const SIZE: Winsize = Winsize {
    ws_row: 60,
    ws_col: 500,
    ws_xpixel: 0,
    ws_ypixel: 0,
};

/// A terminal: one end for a program, one that shows what it wrote.
fn terminal() -> (File, File) {
    let ours = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    rustix::pty::grantpt(&ours).unwrap();
    rustix::pty::unlockpt(&ours).unwrap();
    let name = rustix::pty::ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    rustix::termios::tcsetwinsize(&theirs, SIZE).unwrap();
    (File::from(ours), File::from(theirs))
}

/// The lines of a screen of any height, after a program has written this.
fn screen(written: &str) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let width = usize::from(SIZE.ws_col);
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\n' => row += 1,
            '\r' => column = 0,
            '\u{1b}' => {
                assert_eq!(
                    letters.next(),
                    Some('['),
                    "an escape sequence that is not known here"
                );
                let mut number = String::new();
                let order = loop {
                    match letters.next() {
                        Some(digit @ ('0'..='9' | ';' | '?')) => number.push(digit),
                        Some(order) => break order,
                        None => return Vec::new(),
                    }
                };
                let count = number.parse().unwrap_or(1);
                match order {
                    'A' => row = row.saturating_sub(count),
                    'B' => row += count,
                    'C' => column += count,
                    'D' => column = column.saturating_sub(count),
                    'K' if number == "2" => lines[row].clear(),
                    'K' => lines[row].truncate(column),
                    'J' => {
                        lines[row].truncate(column);
                        lines.truncate(row + 1);
                    }
                    // Colours, and whether the cursor is shown.
                    'm' | 'h' | 'l' => {}
                    other => panic!("the order {number}{other} is not known here"),
                }
            }
            letter => {
                // After the last column a line goes on in the next one.
                if column == width {
                    (row, column) = (row + 1, 0);
                    lines.resize(lines.len().max(row + 1), Vec::new());
                }
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = letter;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    let texts = lines.iter().map(|line| line.iter().collect::<String>());
    texts
        .map(|line| line.trim_end().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Whether a line begins with the time of day.
fn is_timed(line: &str) -> bool {
    let time = line.get(..8).unwrap_or_default().as_bytes();
    let is_right = |(at, byte): (usize, &u8)| match at {
        2 | 5 => *byte == b':',
        _ => byte.is_ascii_digit(),
    };
    time.len() == 8 && time.iter().enumerate().all(is_right)
}

#[test]
fn a_terminal_keeps_each_finished_step_with_number_and_time() {
    let lab = Lab::fast();
    let (mut ours, theirs) = terminal();
    let mut command = lab.command(&apply(&["move"]));
    command
        .arg("--json")
        .env("TERM", "xterm-256color")
        .stdout(Stdio::piped())
        .stderr(theirs);
    let child = command.spawn().unwrap();
    // It holds the program's end of the terminal.
    drop(command);
    let reader = std::thread::spawn(move || {
        let mut written = Vec::new();
        // An error at the end: no program has the other end any more.
        let _ = ours.read_to_end(&mut written);
        String::from_utf8_lossy(&written).into_owned()
    });
    let output = child.wait_with_output().unwrap();
    let written = reader.join().unwrap();
    assert!(output.status.success(), "{written}");
    let applied: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = applied["steps"].as_array().unwrap();
    assert!(steps.len() > 30, "{}", steps.len());
    // Bars were drawn, and nothing is left of them.
    assert!(written.contains("elapsed"), "{written}");
    let lines = screen(&written);
    let all = lines.join("\n");
    assert!(!all.contains("elapsed"), "{all}");
    let finished: Vec<_> = lines
        .iter()
        .filter(|line| line.contains(" ✓ ") || line.contains(" = "))
        .collect();
    assert_eq!(finished.len(), steps.len(), "{all}");
    for line in &finished {
        assert!(is_timed(line), "{line}");
        let number = line.split_whitespace().nth(2).unwrap();
        assert!(number.parse::<usize>().is_ok(), "{line}");
    }
    for phase in ["prepare", "seed", "cut-over", "route", "verify"] {
        let phase = format!("phase {phase}");
        assert!(all.contains(&phase), "no `{phase}` in {all}");
    }
    // The journal has the same: names of machines, and how long each step took.
    let journal = lab.run(&["journal", applied["run"].as_str().unwrap()]);
    let of_web = journal.out.lines().filter(|line| line.contains("web-01"));
    assert_eq!(
        of_web.filter(|line| line.contains(": done (")).count(),
        2,
        "{}",
        journal.out
    );
    // Nothing predicts how long it will take.
    assert!(
        !written.contains("ETA") && !written.contains("left in"),
        "{written}"
    );
}
