//! The text of every obstacle, remedy, finding and thing that is wrong, in each of its forms.

mod findings;
mod obstacles;
mod wrong;
