//! The `tidelog` program as its users meet it: started as a process, judged by
//! its outputs and its exit code.

mod appending;
mod backup;
mod bad_input;
mod damage;
mod exporting;
mod importing;
mod indexes;
mod interruptions;
mod klevdb;
mod mount;
mod names;
mod portable;
mod reading;
mod refusals;
mod removing;
mod retention;
mod sandbox;
mod space;
