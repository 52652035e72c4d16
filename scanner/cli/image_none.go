//go:build scanonly

package cli

// imageCommands is empty in the program of the frontend's image: it has no
// network, and a builder unpacks images for it.
func imageCommands() []Command { return nil }
