# Moved out of Junk: ham, unless it is thrown away.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment"];

if environment :matches "imap.mailbox" "Trash" {
    stop;
}
pipe :copy "postern-learn" ["ham"];
