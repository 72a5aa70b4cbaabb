fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        println!("== {path}");
        match stayput_guest::GuestReport::parse(&text) {
            Ok(report) => {
                for p in &report.problems {
                    println!("  problem {p:?}");
                }
                for a in stayput_guest::advise(&report) {
                    println!(
                        "  {:?} {:?} {:?} {:?}:{:?} {:?}",
                        a.what, a.consequence, a.interface, a.path, a.line, a.fix.when
                    );
                    if std::env::var("V").is_ok() {
                        for c in &a.fix.commands {
                            println!("      {c}");
                        }
                        println!("      # {} -- {}", a.message(), a.fix.note);
                    }
                }
            }
            Err(e) => println!("  {e}"),
        }
    }
}
