"""What holds when programs crash, disks fill up and files are attacked."""
