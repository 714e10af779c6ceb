//! The terminal, and tmux or screen around it.

use super::{Check, State, Surroundings};
use std::process::{Command, Stdio};

const GROUP: &str = "terminal";

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    let mut checks = vec![size(around), name(around), encoding(around), colours(around)];
    checks.push(pictures(around));
    checks.push(Check::new(GROUP, "fonts", "a line to look at: ⣿⣷⣄ ▁▂▃▄▅▆▇█ ┌─┐ 한국어 é").advise(
        State::Note,
        "where boxes or question marks stand in it, give the terminal a font with braille and \
             block characters (DejaVu Sans Mono, JetBrains Mono, Noto), or run with --ascii",
    ));
    checks.push(multiplexer(around));
    if !around.var("SSH_CONNECTION").is_empty() {
        checks.push(Check::new(GROUP, "connection", "SSH").advise(
            State::Note,
            "start long runs with --detach: they go on when the connection is lost",
        ));
    }
    checks
}

fn size(around: &Surroundings) -> Check {
    match around.size {
        None => Check::new(GROUP, "size", "stdout is no terminal").advise(
            State::Note,
            "all commands but the workbench itself work without one; over SSH give ssh -t",
        ),
        Some((columns, rows)) => Check::new(GROUP, "size", format!("{columns}x{rows}")).advise_if(
            columns < 80 || rows < 24,
            State::Warning,
            "make the window at least 80x24",
        ),
    }
}

fn name(around: &Surroundings) -> Check {
    let term = around.var("TERM");
    let found = if term.is_empty() { "TERM is not set".to_owned() } else { format!("TERM={term}") };
    if term == "linux" {
        return Check::new(GROUP, "type", found).advise(
            State::Note,
            "its font has few signs, so the workbench draws with ASCII alone; LLM2CLIP_ASCII=false has \
             it draw with all",
        );
    }
    Check::new(GROUP, "type", found).advise_if(
        term.is_empty() || term == "dumb",
        State::Warning,
        "set TERM to what your terminal is, such as xterm-256color",
    )
}

/// The locale that decides, as libc looks it up.
fn encoding(around: &Surroundings) -> Check {
    let deciding = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find(|key| !around.var(key).is_empty());
    let locale = deciding.map_or("", |key| around.var(key));
    let utf8 = locale.to_lowercase().replace('-', "").contains("utf8");
    let found = match deciding {
        Some(key) => format!("{key}={locale}"),
        None => "no locale is set".to_owned(),
    };
    Check::new(GROUP, "encoding", found).advise_if(
        !utf8,
        State::Warning,
        "the workbench draws with ASCII alone; export LC_ALL=C.UTF-8 where the terminal shows more",
    )
}

fn colours(around: &Surroundings) -> Check {
    let name = "colours";
    if !around.var("NO_COLOR").is_empty() {
        return Check::new(GROUP, name, "NO_COLOR is set")
            .advise(State::Note, "unset it to have colours");
    }
    let (term, depth) = (around.var("TERM"), around.var("COLORTERM"));
    if ["truecolor", "24bit"].contains(&depth) {
        return Check::new(GROUP, name, format!("16 million (COLORTERM={depth})"));
    }
    if term.contains("256") || term.contains("direct") || term.contains("kitty") {
        return Check::new(GROUP, name, "256").advise(
            State::Note,
            "if the terminal has 16 million colours, export COLORTERM=truecolor; SSH does not pass it on",
        );
    }
    Check::new(GROUP, name, "16")
        .advise(State::Warning, "set TERM=xterm-256color if the terminal can do it")
}

/// Protocols for pictures, as far as the environment tells; the workbench asks the terminal itself.
fn pictures(around: &Surroundings) -> Check {
    let program = around.var("TERM_PROGRAM");
    let set = |key: &str| !around.var(key).is_empty();
    let protocol =
        if set("KITTY_WINDOW_ID") || program == "ghostty" || around.var("TERM").contains("kitty") {
            Some("kitty")
        } else if program == "iTerm.app" || program == "WezTerm" || set("WEZTERM_PANE") {
            Some("iterm2")
        } else if around.var("TERM").contains("foot") || around.var("TERM").contains("sixel") {
            Some("sixel")
        } else {
            None
        };
    match protocol {
        Some(protocol) => Check::new(GROUP, "pictures", format!("{protocol}, by its environment")),
        None => Check::new(GROUP, "pictures", "half blocks, by its environment").advise(
            State::Note,
            "kitty, Ghostty, WezTerm, iTerm2 and foot show sharper pictures; over SSH the environment \
             may not tell, so try --graphics kitty or --graphics sixel",
        ),
    }
}

fn multiplexer(around: &Surroundings) -> Check {
    let name = "multiplexer";
    if around.var("TMUX").is_empty() {
        if !around.var("STY").is_empty() {
            return Check::new(GROUP, name, "screen").advise(
                State::Warning,
                "screen passes no pictures through and cuts colours; tmux does better",
            );
        }
        return Check::new(GROUP, name, "none");
    }
    let found = format!("tmux {}", tmux(&["-V"]).trim_start_matches("tmux ").trim());
    let wrong = in_tmux(around.var("TERM"), tmux);
    let advice = format!("in ~/.tmux.conf: {}", wrong.join("; "));
    Check::new(GROUP, name, found).advise_if(!wrong.is_empty(), State::Warning, advice)
}

/// What to set in a tmux that says this of itself.
fn in_tmux(term: &str, tmux: impl Fn(&[&str]) -> String) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let passthrough = tmux(&["show", "-gv", "allow-passthrough"]);
    if !passthrough.is_empty() && passthrough.trim() == "off" {
        wrong.push("pictures need `set -g allow-passthrough on`");
    }
    if !term.starts_with("tmux") && !term.starts_with("screen") {
        wrong.push("`set -g default-terminal tmux-256color` gives it its own name");
    }
    if !tmux(&["show", "-gv", "terminal-features"]).contains("RGB")
        && !tmux(&["show", "-gv", "terminal-overrides"]).contains("Tc")
    {
        wrong.push("16 million colours need `set -as terminal-features ',*:RGB'`");
    }
    let escape: u32 = tmux(&["show", "-sv", "escape-time"]).trim().parse().unwrap_or(0);
    if escape > 50 {
        wrong.push("the escape key is slow; `set -sg escape-time 10`");
    }
    let clipboard = tmux(&["show", "-sv", "set-clipboard"]);
    if !clipboard.is_empty() && clipboard.trim() != "on" {
        wrong.push("copying with `y` needs `set -s set-clipboard on`");
    }
    wrong
}

/// What tmux says; nothing where it cannot be asked.
fn tmux(arguments: &[&str]) -> String {
    let asked = Command::new("tmux").args(arguments).stdin(Stdio::null()).output();
    asked.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(vars: &[(&str, &str)]) -> Surroundings {
        let env = vars.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Surroundings { env, size: Some((120, 40)), ..Surroundings::default() }
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        assert_eq!(encoding(&around(&[("LANG", "en_US.UTF-8")])).state, State::Ok);
        let both = around(&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")]);
        assert_eq!(encoding(&both).state, State::Warning);
        assert_eq!(encoding(&around(&[])).state, State::Warning);
    }

    #[test]
    fn a_small_window_and_a_nameless_terminal_are_warned_about() {
        let small = Surroundings { size: Some((79, 40)), ..around(&[]) };
        assert_eq!(size(&small).state, State::Warning);
        assert_eq!(size(&around(&[])).state, State::Ok);
        assert_eq!(name(&around(&[("TERM", "dumb")])).state, State::Warning);
        assert_eq!(name(&around(&[("TERM", "xterm-256color")])).state, State::Ok);
    }

    #[test]
    fn colours_and_pictures_follow_the_environment() {
        assert_eq!(colours(&around(&[("COLORTERM", "truecolor")])).state, State::Ok);
        assert_eq!(colours(&around(&[("TERM", "xterm")])).state, State::Warning);
        assert!(pictures(&around(&[("KITTY_WINDOW_ID", "1")])).found.starts_with("kitty"));
        assert!(pictures(&around(&[("TERM", "foot")])).found.starts_with("sixel"));
        assert_eq!(multiplexer(&around(&[("STY", "1.pts")])).state, State::Warning);
    }

    #[test]
    fn a_tmux_that_keeps_what_is_copied_or_pictures_is_warned_about() {
        let says = |clipboard: &'static str, passthrough: &'static str| {
            move |asked: &[&str]| {
                let said = match asked.last() {
                    Some(&"set-clipboard") => clipboard,
                    Some(&"allow-passthrough") => passthrough,
                    Some(&"terminal-features") => "xterm*:RGB",
                    _ => "",
                };
                said.to_owned()
            }
        };
        let wrong = |term, tmux: &dyn Fn(&[&str]) -> String| in_tmux(term, tmux).join("; ");
        // What tmux 3.3 does where nothing is set.
        let usual = wrong("tmux-256color", &says("external\n", "off\n"));
        assert!(usual.contains("set-clipboard on") && usual.contains("allow-passthrough on"));
        assert_eq!(wrong("tmux-256color", &says("on\n", "on\n")), "");
        // An old one knows neither.
        assert_eq!(wrong("screen-256color", &says("", "")), "");
    }
}
