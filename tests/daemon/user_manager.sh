#!/usr/bin/env bash
# A real `systemd --user` for a person who exists only in here: private mounts, processes and cgroups, the network shared.
# Nothing of it outlives this process and nothing on the machine changes.   usage (root): user_manager.sh HOME UID PATH...
# HOME is the folder that becomes the person's home; each PATH is made reachable for them, wherever it lies.
set -euo pipefail
if [ -z "${INSIDE:-}" ]; then
    INSIDE=1 exec unshare --mount --pid --fork --kill-child --cgroup --mount-proc bash "$0" "$@"
fi
home=$1 uid=$2
shift 2
mount --make-rprivate /

# What lies below a folder that only root may enter (an interpreter in /root, say) is put into an empty one in its place.
kept=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$kept"
number=0
closed=()
for path in "$@"; do
    number=$((number + 1))
    mkdir "$kept/$number"
    mount --rbind "$path" "$kept/$number"
    above=$path
    while [ "$above" != / ]; do
        above=$(dirname "$above")
        case $(stat -c %A "$above") in *[xt]) ;; *) closed+=("$above") ;; esac
    done
done
for folder in $(printf '%s\n' "${closed[@]}" | sort -u); do
    [ -d "$folder" ] && mount -t tmpfs -o mode=755 tmpfs "$folder"
done
number=0
for path in "$@"; do
    number=$((number + 1))
    mkdir -p "$path"
    mount --rbind "$kept/$number" "$path"
done

cp /etc/passwd "$kept/passwd"
cp /etc/group "$kept/group"
echo "visitor:x:$uid:$uid::/home/visitor:/bin/sh" >> "$kept/passwd"
echo "visitor:x:$uid:" >> "$kept/group"
mount --bind "$kept/passwd" /etc/passwd
mount --bind "$kept/group" /etc/group
mount --bind "$home" "$kept"          # the home may lie in a folder that was closed a moment ago
mount -t tmpfs -o mode=755 tmpfs /home
mkdir /home/visitor
mount --bind "$kept" /home/visitor

mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/{system,unit-root,propagate} /run/lock /run/dbus "/run/user/$uid"
chown "$uid:$uid" "/run/user/$uid"
chmod 700 "/run/user/$uid"
mount -t tmpfs -o mode=1777 tmpfs /srv  # outside the sandbox everybody may write here
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
group=/sys/fs/cgroup/shipper-test-$$-$RANDOM
find /sys/fs/cgroup/shipper-test-* -depth -type d -exec rmdir {} + 2> /dev/null || true  # of runs that were killed
mkdir -p "$group"
chown -R "$uid:$uid" "$group"
echo $$ > "$group/cgroup.procs"
manager=(setpriv --reuid="$uid" --regid="$uid" --clear-groups env -i HOME=/home/visitor USER=visitor LOGNAME=visitor
    PATH=/usr/bin:/bin XDG_RUNTIME_DIR="/run/user/$uid" DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$uid/bus"
    /usr/lib/systemd/systemd --user --log-target=console --show-status=no)
if [ -n "${NO_USER_NAMESPACES:-}" ]; then
    # The limit is per namespace, so it is set in one of our own, in which everybody keeps their number. It has no numbers
    # until they are written from outside; only what is executed after that is root in it, and may set the limit.
    mkfifo /run/numbered
    unshare --user sh -c 'read -r _ < /run/numbered; exec sh -c "echo 0 > /proc/sys/user/max_user_namespaces; exec \"\$@\"" sh "$@"' \
        sh "${manager[@]}" &
    until [ "$(readlink "/proc/$!/ns/user")" != "$(readlink /proc/self/ns/user)" ]; do :; done
    echo "0 0 65536" > "/proc/$!/uid_map"
    echo "0 0 65536" > "/proc/$!/gid_map"
    echo > /run/numbered
else
    # Not by exec: as process 1 of its namespace systemd would take itself for the system's.
    "${manager[@]}" &
fi
wait $!
