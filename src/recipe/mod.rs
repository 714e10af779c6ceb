//! What to do, as plain data: recipes, stages, presets, schedules.
