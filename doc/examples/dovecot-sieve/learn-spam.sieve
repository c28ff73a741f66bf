# Moved into Junk: spam.
require ["vnd.dovecot.pipe", "copy", "imapsieve"];

pipe :copy "postern-learn" ["spam"];
