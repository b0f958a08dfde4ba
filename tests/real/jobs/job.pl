# What a Perl program does with memory, in small: the same output on any heap.
use strict;
use warnings;
use Config;
use Digest::MD5 qw(md5_hex);

my $state = 12345;
sub next_random { $state = ($state * 1103515245 + 12345) % 2147483648; return int($state / 65536) % $_[0]; }
sub word { return join '', map { chr(97 + next_random(8)) } 1 .. 1 + next_random(12); }

my %places;
for my $number (1 .. 50000) {
    push @{ $places{ word() } }, $number;
}
delete $places{$_} for grep { length($_) % 3 == 0 } keys %places;
print md5_hex(join "\n", map { "$_ @{ $places{$_} }" } sort keys %places), "\n";

my $text = '';
$text .= word() . (next_random(9) == 0 ? "\n" : ' ') for 1 .. 50000;
my $count = () = $text =~ /\b(a[b-d]+|h+g?)\b/g;
(my $other = $text) =~ s/(\w)\1+/<$1>/g;
print "$count ", length($other), ' ', md5_hex($other), "\n";
print md5_hex(join ',', sort { length $a <=> length $b || $a cmp $b } split /\s+/, $text), "\n";

my @matrix = map { [ map { next_random(1000) } 1 .. 200 ] } 1 .. 500;
my @turned;
for my $row (0 .. $#matrix) { $turned[$_][$row] = $matrix[$row][$_] for 0 .. 199; }
print md5_hex(join ';', map { join ',', @$_ } @turned), "\n";

for my $child (1 .. 4) {
    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if ($pid == 0) { print md5_hex(join '', map { word() } 1 .. 5000 * $child), "\n"; exit 0; }
    print while <$pipe>;
    close $pipe or die "child: $?";
}

if ($Config{useithreads}) {
    require threads;
    my @threads = map {
        my $number = $_;
        threads->create(sub { my %h; $h{ word() . $_ } = $_ x 3 for 1 .. 5000 * $number;
                              return md5_hex(join ',', map { "$_=$h{$_}" } sort keys %h); })
    } 1 .. 4;
    print $_->join, "\n" for @threads;
}
