# perl writeexcel.pl TABLE.json OUT: Spreadsheet::WriteExcel, .xls.
use strict; use warnings; use utf8;
use JSON::PP; use Spreadsheet::WriteExcel;
binmode STDOUT, ":utf8";
my ($table, $out) = @ARGV;
local $/; open(my $in, "<:raw", $table) or die; my $rows = JSON::PP->new->utf8->decode(<$in>);
my $book = Spreadsheet::WriteExcel->new($out); my $sheet = $book->add_worksheet("Table");
my %formats; my @names;
# Column by column, for it writes its cells in the order in which they come.
for my $column (0 .. 3) {
    my $r = 0;
    for my $v (@$rows) {
        next if $v->{type} eq "error" || $v->{type} eq "boolean";
        my $format = $v->{format} eq "" ? undef : ($formats{$v->{format}} ||= $book->add_format(num_format => $v->{format}));
        if ($column == 0) { push @names, $v->{name}; $sheet->write_string($r, 0, $v->{name}); }
        elsif ($column == 2) { $sheet->write_number($r, 2, 1000 + $r) unless $v->{name} eq "merged"; }
        elsif ($column == 3) { $sheet->write_string($r, 3, "hidden"); }
        elsif ($v->{name} eq "merged") { $sheet->merge_range($r, 1, $r, 2, $v->{value}, $book->add_format()); }
        elsif ($v->{type} eq "text") { $sheet->write_string($r, 1, $v->{value}); }
        elsif ($v->{type} eq "number") { $sheet->write_number($r, 1, $v->{value}, $format); }
        elsif ($v->{type} eq "day") { $sheet->write_date_time($r, 1, $v->{value} . "T", $format); }
        elsif ($v->{type} eq "formula") { $sheet->write_formula($r, 1, "=" . $v->{value}, $format, $v->{result}); }
        $sheet->set_row($r, undef, undef, 1) if $v->{name} eq "hidden row";
        $r++;
    }
}
$sheet->set_column(3, 3, undef, undef, 1);
$book->close;
print JSON::PP->new->encode(\@names);
