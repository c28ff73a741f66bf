# tests/sa/sa_hits.pl - what SpamAssassin itself finds in messages: a line of JSON for each file.
#
#   perl sa_hits.pl STATE RULES FILE-LIST [detail] >hits
#
# STATE is a directory of the caller's: its site/ holds .pre and local.cf, its home/ is empty. No network, no Bayes, no
# reputation, no early end. The first line tells of the rules that it runs. With `detail`: the texts that rules saw, too.
use strict;
use warnings;
use Mail::SpamAssassin;
use JSON::PP;

my ($state, $rules, $list, $detail) = @ARGV;
my $json = JSON::PP->new->canonical->latin1;
my $sa = Mail::SpamAssassin->new({
    rules_filename        => $rules,
    site_rules_filename   => "$state/site",
    userprefs_filename    => "$state/prefs",
    userstate_dir         => "$state/home",
    home_dir_for_helpers  => "$state/home",
    local_tests_only      => 1,
    dont_copy_prefs       => 1,
});
$sa->init(1);
my $conf = $sa->{conf};

# All rules that it holds, but those that score nothing (these are not run, unless they are parts of others), and those
# that need the network.
my %run;
for my $key (keys %$conf) {
    next unless $key =~ /_tests\z|_evals\z/ && ref $conf->{$key} eq 'HASH';
    if ($key =~ /^(?:meta|mimeheader)_tests/) {
        $run{$_} = $key for keys %{ $conf->{$key} };
        next;
    }
    for my $priority (values %{ $conf->{$key} }) {
        next unless ref $priority eq 'HASH';
        $run{$_} = $key for keys %$priority;
    }
}
delete $run{$_} for grep { !/^__/ && !$conf->{scores}->{$_} } keys %run;
delete $run{$_} for grep { ($conf->{tflags}->{$_} || '') =~ /\bnet\b/ } keys %run;
print $json->encode({ rules => \%run, version => $Mail::SpamAssassin::VERSION }), "\n";

open my $files, '<', $list or die "$list: $!";
while (my $file = <$files>) {
    chomp $file;
    open my $in, '<:raw', $file or die "$file: $!";
    my $bytes = do { local $/; <$in> };
    close $in;
    my $mail = $sa->parse($bytes, 1);
    my $status = $sa->check($mail);
    my %hits = map { $_ => 1 } @{ $status->{test_names_hit} }, @{ $status->{subtest_names_hit} };
    my %line = (file => $file, hits => [ sort keys %hits ]);
    tell_detail($status, \%line) if $detail;
    print $json->encode(\%line), "\n";
    $status->finish();
    $mail->finish();
}

sub tell_detail {
    my ($status, $line) = @_;
    my @html;
    for my $html (@{ $status->{html_all} || [] }) {
        my %facts = map { $_ => $html->{$_} } grep { defined $html->{$_} && !ref $html->{$_} } keys %$html;
        my $uris = $html->{uri_detail} || {};
        $facts{inside} = $html->{inside};
        $facts{title} = $html->{title};
        $facts{uris} = { map { $_ => [ sort keys %{ $uris->{$_}{types} || {} } ] } keys %$uris };
        push @html, \%facts;
    }
    $line->{relays} = { map { $_ => $status->{"relays_${_}_str"} } qw(trusted untrusted internal external) };
    $line->{unparseable} = $status->{num_relays_unparseable};
    $line->{envelope} = $status->get('EnvelopeFrom', undef);
    $line->{body} = $status->get_decoded_stripped_body_text_array();
    $line->{rawbody} = $status->get_decoded_body_text_array();
    $line->{uris} = [ sort $status->get_uri_list() ];
    $line->{html} = \@html;
}
