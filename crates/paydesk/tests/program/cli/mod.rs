//! The commands, as an operator or a script uses them.

mod backup;
mod dev;
mod doctor;
mod export;
mod help;
mod keys;
mod limits;
mod logs;
mod merchant;
mod operating;
mod prune;
mod rates;
mod receivers;
