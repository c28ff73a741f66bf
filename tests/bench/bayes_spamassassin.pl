# tests/bench/bayes_spamassassin.pl - SpamAssassin's Bayes alone, in one process: learns, or prints what it thinks.
#
#     perl bayes_spamassassin.pl FOLDER learn|score < LIST       lines "spam|ham PATH"
use strict;
use warnings;
use Mail::SpamAssassin;
use Mail::SpamAssassin::PerMsgStatus;

my ($folder, $mode) = @ARGV;
my $settings = <<"END";
include /usr/share/spamassassin/20_aux_tlds.cf
loadplugin Mail::SpamAssassin::Plugin::Bayes
use_bayes 1
bayes_path $folder/bayes
bayes_auto_expire 0
bayes_expiry_max_db_size 5000000
bayes_learn_to_journal 0
END
my $filter = Mail::SpamAssassin->new({
    dont_copy_prefs => 1, userprefs_filename => "/dev/null", rules_filename => "$folder/rules",
    site_rules_filename => "$folder/rules", userstate_dir => $folder, local_tests_only => 1, config_text => $settings,
});
$filter->init(1);
my ($bayes) = grep { ref eq 'Mail::SpamAssassin::Plugin::Bayes' } @{ $filter->{plugins}{plugins} };
die "there is no Bayes" unless $bayes;
$filter->init_learner({ caller_will_untie => 1, wait_for_lock => 1 });
while (<STDIN>) {
    my ($kind, $path) = split ' ';
    open my $file, '<', $path or die "$path: $!";
    my $message = $filter->parse(do { local $/; <$file> }, 1);
    if ($mode eq 'learn') {
        my $status = $filter->learn($message, undef, $kind eq 'spam' ? 1 : 0, 0);
        $status->finish if $status;
    } else {
        my $status = Mail::SpamAssassin::PerMsgStatus->new($filter, $message);
        my $score = $bayes->scan($status, $message);
        printf "%s %s %.17g\n", $kind, $path, defined $score ? $score : 0.5;
        $status->finish;
    }
    $message->finish;
}
$filter->rebuild_learner_caches() if $mode eq 'learn';
$filter->finish_learner();
