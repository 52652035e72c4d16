# supervise DIR CGROUP COMMAND... - run COMMAND until it ends or standard input
# is closed, then leave nothing of it: no process, no mount, no DIR, no CGROUP.
#
# COMMAND is the first process of a PID namespace, so the kernel ends every
# container with it, and its mounts are in a mount namespace that ends with
# them. runc keeps its state in /run/runc; a private tmpfs there keeps it from
# other daemons.
set -u
dir=$1 cgroup=$2
shift 2

exec 3<&0
mkdir -p /run/runc "$dir/tmp"
TMPDIR=$dir/tmp unshare --mount --pid --fork --kill-child --mount-proc \
	sh -c 'mount -t tmpfs runc /run/runc && exec "$@"' sh "$@" </dev/null 3<&- &
daemon=$!
cat <&3 >/dev/null 2>&1 &
pipe=$!
wait -n "$daemon" "$pipe"
kill -KILL "$daemon" "$pipe" 2>/dev/null
wait

# The kernel may need a moment for the last of the namespace.
for _ in {1..250}; do
	find /sys/fs/cgroup -depth -type d -path "*/$cgroup*" -exec rmdir {} + 2>/dev/null
	[ -n "$(find /sys/fs/cgroup -type d -name "$cgroup" 2>/dev/null)" ] || break
	sleep 0.02
done
for _ in {1..100}; do
	rm -rf --one-file-system "$dir" 2>/dev/null && break
	sleep 0.1
done
