package report

// Summarise is what follows from a verdict, for tests of verdicts that no
// findings gave.
var Summarise = (*Report).summarise
