//! The `tidelog` program as its users meet it: started as a process, judged by
//! its outputs and its exit code.

mod appending;
mod bad_input;
mod damage;
mod exporting;
mod importing;
mod interruptions;
mod mount;
mod names;
mod reading;
mod refusals;
mod sandbox;
mod space;
