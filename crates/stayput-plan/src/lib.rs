//! Goals, obstacles, steps and the planner.
