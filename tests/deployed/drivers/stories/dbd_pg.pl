# The story of test_drivers.py with DBD::Pg.
use strict;
use warnings;
use utf8;
use DBI;
use JSON::PP;

my $given = decode_json($ENV{STORY_DSN});
my $aggregate = $ENV{STORY_AGGREGATE};
my $dsn = "dbi:Pg:dbname=$given->{dbname};host=$given->{host};port=$given->{port};sslmode=$given->{sslmode}";
sub connected { DBI->connect($dsn, $given->{user}, $given->{password}, {RaiseError => 1, PrintError => 0}) }
my ($connection, $other) = (connected(), connected());
# Strings of Perl in, and out of the database: DBD::Pg speaks UTF-8 itself.
my $json = JSON::PP->new;
my $events = $json->encode([map { {event_type => "DriverTried", event_data => {value => $_, list => [1, undef]}} } "10.5", "é\x{2028}\n"]);
my $append = "SELECT event_version FROM event_store.append_events('Driver', ?, ?, ?)";
my $page = "SELECT transaction_id::text, global_position::text
              FROM event_store.read_feed(?::text::xid8, ?::text::bigint, 1) WHERE event_id IS NOT NULL";
my $back = "SELECT event_store.cursor_of(e)
              FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 1, before => ?) e";
my %told;

$told{tls} = ($connection->selectrow_array("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))[0] ? JSON::PP::true : JSON::PP::false;
$told{appended} = 0 + ($connection->selectrow_array($append, {}, $aggregate, 0, $events))[0];
my $read = $connection->selectcol_arrayref("SELECT event_data FROM event_store.get_events('Driver', ?)", {}, $aggregate);
$told{read} = [map { $json->decode($_) } @$read];
eval { $connection->selectrow_array($append, {}, $aggregate, 0, $events) };
$told{error} = [
    $connection->state, $connection->pg_error_field('message_detail'),
    defined $connection->pg_error_field('message_hint') ? JSON::PP::true : JSON::PP::false,
];
$told{without_version} = 0 + ($connection->selectrow_array($append, {}, $aggregate, undef, $events))[0];

my @cursor = ("0", "0");
for (1, 2) {
    @cursor = $connection->selectrow_array($page, {}, @cursor);
    push @{$told{cursors}}, ["$cursor[0]", "$cursor[1]"];
}

for (1 .. 4) {
    push @{$told{back}}, ($connection->selectrow_array($back, {}, $told{back} ? $told{back}[-1] : undef))[0];
}

$connection->do("LISTEN event_store");
$other->do("SELECT pg_notify('event_store', '12,34')");
my $heard;
for (1 .. 100) {
    last if $heard = $connection->pg_notifies;
    select undef, undef, undef, 0.1;
}
$told{heard} = $heard->[2];

$other->do("SELECT pg_terminate_backend(?)", {}, $connection->{pg_pid});
select undef, undef, undef, 0.2;
for (1, 2) {
    my $fine = eval { $connection->selectrow_array("SELECT 1") };
    push @{$told{after_loss}}, $fine ? "fine" : "lost";
    $connection = connected() unless $fine;
}
print JSON::PP->new->utf8->encode(\%told), "\n";
