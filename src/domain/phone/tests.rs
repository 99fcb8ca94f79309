mod forms;
mod privacy;
mod ranges;
