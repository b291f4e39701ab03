/** Stands for a style sheet where a test imports one. */
export {};
