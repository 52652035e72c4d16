package cli

// WrongUse is the error of a verb of another package about a command line that
// cannot be run: Main exits with policy.ExitUsage. command is what was typed,
// for the hint at its help.
func WrongUse(command, message string) error { return &usageError{command, message} }
