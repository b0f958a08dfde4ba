# The work of the workload real-perl: hashes of arrays of hashes, strings, sorting, substitution. Arguments: number of
# words, seed.
use strict;
use warnings;

my ($count, $seed) = @ARGV;
my $state = $seed * 2 + 1;

sub below {
    $state = $state * 48271 % 2147483647;
    return $state % $_[0];
}

my (%entries, @lines, %frequency);
for my $number (1 .. $count) {
    my $word = join '', map { chr(97 + below(26)) } 1 .. 3 + below(6);
    push @{ $entries{$word} }, { number => $number, name => "n$number-$word", values => [1 .. below(6)] };
}
for my $word (sort keys %entries) {
    my $line = join ',', map { $_->{name} } @{ $entries{$word} };
    $line =~ s/n(\d+)-/<$1>/g;
    push @lines, uc $line;
}
for (@lines) {
    $frequency{$_}++ for split /[<>]/;
}
print scalar(keys %frequency), "\n";
