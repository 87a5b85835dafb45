//! What is killed or frozen: this program again, as a process that runs one controller.

use crate::kit::process;

#[test]
#[ignore = "is the process that is killed; run by those of `crash` and `frost` that say so"]
fn runs_a_controller() {
    process::run_controller();
}
