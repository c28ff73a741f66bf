# tests/oracle/html_spamassassin.pl - what the real Mail::SpamAssassin::HTML makes of HTML, for a test that compares.
#
# Standard input: parts, each as "LENGTH LF" and so many bytes of UTF-8. Standard output: a line of JSON for each.
use strict;
use warnings;
use JSON::PP;
use Mail::SpamAssassin::HTML;

my $json = JSON::PP->new->utf8->canonical;
my @numbers = qw(length min_size max_size image_area closed_extra_ratio bad_tag_ratio non_element_ratio
    obfuscation_ratio embeds form_action_mailto font_low_contrast font_invalid_color font_face_bad);

binmode STDIN;
binmode STDOUT;
while (defined(my $length = <STDIN>)) {
    read(STDIN, my $bytes, $length) == $length or die;
    utf8::decode($bytes) or die;
    my $reader = Mail::SpamAssassin::HTML->new(1, 1);
    $reader->parse($bytes);
    my $found = $reader->get_results();
    my $inside = $found->{inside} || {};
    my %results = map { defined $found->{$_} ? ($_ => $found->{$_} + 0) : () } @numbers;
    print $json->encode({
        rendered => $reader->get_rendered_text(), results => \%results,
        inside => { map { $_ => $inside->{$_} + 0 } grep { $_ ne '!doctype' } keys %$inside },
    }), "\n";
}
