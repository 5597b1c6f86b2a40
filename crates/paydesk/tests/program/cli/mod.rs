//! The commands, as an operator or a script uses them.

mod backup;
mod dev;
mod doctor;
mod help;
mod keys;
mod logs;
mod merchant;
mod operating;
mod prune;
mod rates;
