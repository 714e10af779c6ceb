//! The one table: every action, its name, where it applies, its keys, and what it does in words.

use super::Key;

/// Where keys apply. Several are in force at once, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Everywhere but in overlays.
    Global,
    /// Screens with a list to move in.
    List,
    /// Screens that show a run one can command.
    Control,
    /// Screens with charts.
    Chart,
    /// The Runs screen.
    Runs,
    /// The Train screen.
    Train,
    /// The Compare screen.
    Compare,
    /// The Inspect screen.
    Inspect,
    /// The Replay screen.
    Replay,
    /// The System screen.
    System,
    /// The Log screen.
    Log,
    /// Help, palette, lists and lines to type in.
    Overlay,
    /// A question with yes and no.
    Question,
}

impl Context {
    /// All, in the order documents list them.
    pub const ALL: [Self; 13] = [
        Self::Global,
        Self::List,
        Self::Control,
        Self::Chart,
        Self::Runs,
        Self::Train,
        Self::Compare,
        Self::Inspect,
        Self::Replay,
        Self::System,
        Self::Log,
        Self::Overlay,
        Self::Question,
    ];

    /// A heading for it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Global => "Everywhere",
            Self::List => "In lists",
            Self::Control => "Commanding a run",
            Self::Chart => "In charts",
            Self::Runs => "Runs",
            Self::Train => "Train",
            Self::Compare => "Compare",
            Self::Inspect => "Inspect",
            Self::Replay => "Replay",
            Self::System => "System",
            Self::Log => "Log",
            Self::Overlay => "While an overlay is open",
            Self::Question => "While a question is open",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The action.
    pub action: Action,
    /// Where it applies.
    pub context: Context,
    /// Its name in the palette and in recorded sittings: kept for ever.
    pub name: &'static str,
    /// Its keys as text.
    pub key_texts: &'static [&'static str],
    /// What it does.
    pub what: &'static str,
}

impl Entry {
    /// Its keys.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.key_texts.iter().filter_map(|text| Key::parse(text))
    }
}

macro_rules! actions {
    ($($name:ident $context:ident $word:literal [$($key:literal),*] $what:literal;)+) => {
        /// Everything a key or the palette can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Action { $(#[doc = $what] $name,)+ }

        /// The table, in the order help shows it.
        pub const TABLE: &[Entry] = &[$(Entry {
            action: Action::$name,
            context: Context::$context,
            name: $word,
            key_texts: &[$($key),*],
            what: $what,
        }),+];

        impl Action {
            /// Its row of the table.
            #[must_use]
            pub fn entry(self) -> &'static Entry {
                &TABLE[self as usize]
            }
        }
    };
}

impl Action {
    /// The action of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.name == name).map(|entry| entry.action)
    }
}

actions! {
    ShowRuns Global "show-runs" ["1"] "the Runs screen: all runs of all sessions";
    ShowTrain Global "show-train" ["2"] "the Train screen: one run's curves and progress";
    ShowCompare Global "show-compare" ["3"] "the Compare screen: encoders by metrics";
    ShowInspect Global "show-inspect" ["4"] "the Inspect screen: single queries under two encoders";
    ShowReplay Global "show-replay" ["5"] "the Replay screen: a session as it happened";
    ShowSystem Global "show-system" ["6"] "the System screen: processor, memory, disk, runners";
    ShowLog Global "show-log" ["7"] "the Log screen: records and printed lines";
    NextScreen Global "next-screen" ["tab"] "the next screen";
    PreviousScreen Global "previous-screen" ["backtab"] "the screen before";
    SessionNext Global "next-session" ["}"] "Compare, Inspect and Replay show the next session, with runs or without";
    SessionPrevious Global "previous-session" ["{"] "the session before";
    Help Global "help" ["?", "f1"] "every key that works here";
    Palette Global "palette" [":", "ctrl-p"] "find any action by name";
    Back Global "back" ["esc"] "one step back: clear what is set, or return to Runs";
    Theme Global "theme" ["ctrl-t"] "the next colour theme";
    Repaint Global "repaint" ["ctrl-l"] "draw the whole screen again";
    Encoder Global "encoder" ["e"] "look into an encoder: a text's tokens, masks and weights, a picture as it sees it, its LoRAs, its self-test";
    Bookmark Global "bookmark" ["m"] "mark this moment of the session, with a word or without: on Train the step under the crosshair or the newest, on Replay the moment shown";
    Export Global "export" ["E"] "write a session's results as files: JSON, CSV, TREC, every chart as SVG or PNG, as chosen";
    Suspend Global "suspend" ["ctrl-z"] "leave to the shell for a moment; fg comes back";
    Quit Global "quit" ["q", "ctrl-c"] "leave the workbench; runs go on";

    Up List "up" ["k", "up"] "one line up";
    Down List "down" ["j", "down"] "one line down";
    PageUp List "page-up" ["pageup", "ctrl-b"] "a page up";
    PageDown List "page-down" ["pagedown", "ctrl-f"] "a page down";
    Top List "top" ["g", "home"] "to the first line";
    Bottom List "bottom" ["G", "end"] "to the last line";
    Open List "open" ["enter"] "open what is selected";
    Copy List "copy" ["y"] "copy the name of what is selected to the clipboard";

    Checkpoint Control "checkpoint" ["C"] "ask the run for a checkpoint now";
    Pause Control "pause" ["P"] "ask the run to pause, or a paused one to continue";
    Stop Control "stop" ["K"] "ask the run to end after a checkpoint";
    Resume Control "resume" ["R"] "resume a run that has ended early from its newest checkpoint";

    LogY Chart "log-y" ["y"] "logarithmic or linear value axis";
    XAxis Chart "x-axis" ["x"] "step, samples, elapsed or clock below";
    LogX Chart "log-x" ["X"] "logarithmic or linear axis below";
    SmoothLess Chart "smooth-less" ["s"] "less smoothing";
    SmoothMore Chart "smooth-more" ["S"] "more smoothing";
    ZoomIn Chart "zoom-in" ["+", "="] "see less of the axis, larger";
    ZoomOut Chart "zoom-out" ["-"] "see more of the axis";
    ZoomReset Chart "zoom-reset" ["0"] "see all of the axis";
    PanLeft Chart "pan-left" ["left", "h"] "towards the beginning; the crosshair where it is on";
    PanRight Chart "pan-right" ["right", "l"] "towards the end; the crosshair where it is on";
    Crosshair Chart "crosshair" ["i"] "values at one place, in all charts";
    Outliers Chart "outliers" ["o"] "show all values, or the middle 98 % with what is cut counted";
    Superseded Chart "superseded" ["v"] "show or hide what a later segment did again";
    Marker Chart "marker" ["M"] "draw with braille, half blocks, dots or ASCII";
    Freeze Chart "freeze" ["f"] "hold the charts still; the run goes on";

    Filter Runs "filter" ["/"] "show only runs that match, such as loss<0.5 recipe:simcse -tag:old";
    SortNext Runs "sort" ["o"] "sort by the next column";
    SortReverse Runs "sort-reverse" ["O"] "the other way round";
    Mark Runs "mark" ["space"] "mark the run: marked runs are laid over each other in charts";
    Unmark Runs "unmark-all" ["u"] "take all marks off";
    Pin Runs "pin" ["p"] "keep the run at the top of the list";
    Tag Runs "tag" ["t"] "type tags for the run, with spaces between; -name takes one off";
    NewRun Runs "new-run" ["n"] "start a run: choose a preset, change its values";
    Queue Runs "queue" ["a"] "start a run after the selected one has ended";
    Fork Runs "fork" ["F"] "start a run from a checkpoint of the selected one, with other values";
    Difference Runs "difference" ["d"] "keys in which two recipes differ: of marked runs, of the run and a marked one, or of the run and its preset";

    MetricNext Train "metric-next" ["j", "down"] "the next measure in the large chart";
    MetricPrevious Train "metric-previous" ["k", "up"] "the measure before";
    StageNext Train "stage-next" ["]"] "look at the next stage alone";
    StagePrevious Train "stage-previous" ["["] "look at the stage before alone";
    StageAll Train "stage-all" ["a"] "look at all stages, one after the other";
    Wide Train "wide" ["enter", "w"] "one large chart, or charts and panel";
    Console Train "console" ["c"] "the end of what the run printed, or what happened; below one large chart, or not";
    AlertNext Train "alert-next" ["n"] "to the next alert";
    AlertPrevious Train "alert-previous" ["N"] "to the alert before";

    ResultNext Compare "result-next" ["right", "l"] "the next comparison";
    ResultPrevious Compare "result-previous" ["left", "h"] "the comparison before";
    DirectionNext Compare "direction" ["d"] "the next direction";
    NewCompare Compare "new-comparison" ["n"] "start a comparison: data set, task, encoders";
    Below Compare "below" ["v"] "below the table: differences, replicates, second judgements, anisotropy, layers and poolings, other results; the list keys go on into it";
    CompareMetric Compare "compare-metric" ["M"] "the next metric of intervals, bars and differences: recall@1, recall@5, recall@10, mrr, median rank";
    JoinResults Compare "join-results" ["J"] "one table of this comparison and all that may share it, of marked runs' sessions too; where none may, why";

    SetNext Inspect "pair" ["d"] "the next direction or result";
    SliceNext Inspect "slice-next" ["]"] "the next slice: fixed, broke, both right, both wrong, tie, hub";
    SlicePrevious Inspect "slice-previous" ["["] "the slice before";
    Judgements Inspect "judgements" ["s"] "by the second judgements of inspect or compare --qrels, where there are any, or by its own";
    EncoderLeft Inspect "encoder-left" ["a"] "another encoder in the left column";
    EncoderRight Inspect "encoder-right" ["b"] "another encoder in the right column";
    Search Inspect "search" ["/"] "show only queries that match, such as gain>5 rank_b<=10 slice:fixed margin<0 tie:yes -hub:yes words";
    HitNext Inspect "neighbour-next" ["right", "l"] "choose the next neighbour, through both lists";
    HitPrevious Inspect "neighbour-previous" ["left", "h"] "choose the neighbour before";
    Follow Inspect "follow" ["space"] "let the chosen neighbour be the next query; enter does so too";
    Return Inspect "return" ["u"] "the query before";
    Ask Inspect "ask" ["A"] "type a text, or a picture's path, and see both encoders' answers";
    Choose Inspect "choose" ["c"] "type texts, and see which of them both encoders choose for the query's picture, or a file's";
    Dismiss Inspect "dismiss" ["x"] "put a typed query away, here and in later sittings; the record keeps it";
    Note Inspect "note" ["w"] "write a note on the query; an empty one takes it back";
    Beside Inspect "beside" ["v"] "beside the list: neighbours, all ranks, all scores";
    Pictures Inspect "pictures" ["t"] "pictures on or off";
    Graphics Inspect "graphics" ["I"] "another way of showing pictures, of those that work here";

    Play Replay "play" ["space"] "play or hold";
    StepForward Replay "step-forward" ["."] "one record on";
    StepBack Replay "step-back" [","] "one record back";
    SecondsForward Replay "seconds-forward" ["right", "l"] "five seconds on";
    SecondsBack Replay "seconds-back" ["left", "h"] "five seconds back";
    MinuteForward Replay "minute-forward" ["shift-right", "L"] "a minute on";
    MinuteBack Replay "minute-back" ["shift-left", "H"] "a minute back";
    MarkNext Replay "mark-next" ["]"] "to the next mark: a stage, checkpoint, alert, result, or one you set";
    MarkPrevious Replay "mark-previous" ["["] "to the mark before";
    Faster Replay "faster" [">"] "twice as fast";
    Slower Replay "slower" ["<"] "half as fast";
    ToStart Replay "to-start" ["g", "home"] "to the beginning";
    ToEnd Replay "to-end" ["G", "end"] "to the end of the runs; again, past what was done after it";
    Seek Replay "seek" ["s"] "to a step, a time or a share: 400, 12:30, 50 %";
    Find Replay "find" ["/"] "to the next record that holds a text";
    FindNext Replay "find-next" ["n"] "to the next record that holds it";
    FindPrevious Replay "find-previous" ["N"] "to the record before that holds it";
    DoneNext Replay "done-next" [")"] "to the next action at the terminal";
    DonePrevious Replay "done-previous" ["("] "to the action before";
    AsItWas Replay "as-it-was" ["a"] "what was done at the terminal and the screen it was done on, or the run alone";
    Loop Replay "loop" ["o"] "begin again at the end, or stop there";
    TakeBack Replay "take-back" ["x"] "take the last mark before this moment back";
    Film Replay "film" ["w"] "write the replay as a file: an asciicast, or this moment as SVG or text";
    Live Replay "live" ["T"] "leave the past: watch the run live from here";

    LevelNext Log "level" ["v"] "show more or fewer levels: all, notices, warnings, errors";
    LogSearch Log "log-search" ["/"] "show only lines that hold a text";
    WarningNext Log "warning-next" ["n"] "to the next warning or error";
    WarningPrevious Log "warning-previous" ["N"] "to the warning or error before";
    LogFollow Log "follow-end" ["f"] "stay at the end as lines come";

    Close Overlay "close" ["esc"] "close without doing anything";
    Accept Overlay "accept" ["enter"] "do it; in the form of a new run, on to the next line, and on the last one start";
    StartNow Overlay "start-now" ["ctrl-s"] "start what a form holds, from any of its lines";
    OverlayUp Overlay "overlay-up" ["up"] "one line up";
    OverlayDown Overlay "overlay-down" ["down"] "one line down";
    OverlayPageUp Overlay "overlay-page-up" ["pageup"] "a page up";
    OverlayPageDown Overlay "overlay-page-down" ["pagedown"] "a page down";

    Yes Question "yes" ["y"] "yes, do it";
    No Question "no" ["n", "esc", "q"] "no, leave it";
}
