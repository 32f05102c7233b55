//! What GTK and WebKitGTK are told when they start, on Linux: to paint without the graphics processor, and to compile little at first. The
//! pages are text and a few shapes: a driver would only start later, hold memory, and be one more thing that can leave a
//! window blank (docs/adr/0046-start.md).

use std::env;

/// Variables of the environment. What somebody has set already stays as it is.
const SWITCHES: [(&str, &str); 4] = [
    // The web view composes no layers by OpenGL,
    ("WEBKIT_DISABLE_COMPOSITING_MODE", "1"),
    // its processes share no buffers through a driver,
    ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
    // and the window asks none for the ways in which it could paint.
    ("GDK_GL", "disable"),
    // A function of the screens' module is compiled once it was called often: by WebKit's own measure hundreds during a start, and for
    // each the screens' thread is stopped. A version that does not know this one goes by its own.
    ("JSC_thresholdForBBQOptimizeAfterWarmUp", "5000"),
];

/// For this program and everything it starts. To be called before anything else is.
#[expect(unsafe_code, reason = "the environment is the only place where GTK and WebKitGTK read this in time")]
pub(crate) fn set() {
    for (name, value) in left_open(|name| env::var_os(name).is_some()) {
        // SAFETY: this is the first thing the program does; it has no other thread that could read the environment.
        unsafe { env::set_var(name, value) };
    }
}

/// What nobody has set.
fn left_open(is_set: impl Fn(&str) -> bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    SWITCHES.into_iter().filter(move |(name, _)| !is_set(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_a_driver_keeps_it() {
        let names = |is_set: &dyn Fn(&str) -> bool| left_open(is_set).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&|_| false).len(), SWITCHES.len());
        let others = names(&|name| name == "GDK_GL");
        assert_eq!(others.len(), SWITCHES.len() - 1);
        assert!(!others.contains(&"GDK_GL"));
    }
}
