//go:build scanonly

package cli

// dbCommands is empty in the program of the frontend's image: what makes and
// moves databases has no business beside an untrusted rootfs, and costs every
// scan half a millisecond at its start.
func dbCommands() []Command { return nil }
