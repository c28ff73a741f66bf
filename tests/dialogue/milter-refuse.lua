-- tests/dialogue/milter-refuse.lua - miltertest over the unix socket: refusals at RCPT, and mail that is to vanish.
function expect(what, conn, answer)
	if mt.getreply(conn) ~= answer then
		error(what .. ": the answer is " .. mt.getreply(conn))
	end
end

conn = mt.connect(socket)
if conn == nil then error("no connection") end
if mt.negotiate(conn, nil, nil, nil) ~= nil then error("negotiate") end
if not mt.test_option(conn, SMFIP_HDR_LEADSPC) then error("leading blanks are not asked for") end
if not mt.test_action(conn, SMFIF_CHGHDRS) then error("header changes are not asked for") end
if mt.test_action(conn, SMFIF_CHGBODY) then error("body changes are asked for") end
if mt.conninfo(conn, "mail.a.example", "2001:db8::25") ~= nil then error("conninfo") end
if mt.helo(conn, "mail.a.example") ~= nil then error("helo") end

if mt.mailfrom(conn, "<worse@a.example>") ~= nil then error("mailfrom") end
if mt.rcptto(conn, "<user@example.org>") ~= nil then error("rcptto") end
expect("spam", conn, SMFIR_REPLYCODE)
mt.abort(conn)

if mt.mailfrom(conn, "<dropped@a.example>") ~= nil then error("mailfrom") end
if mt.rcptto(conn, "<user@example.org>") ~= nil then error("rcptto") end
expect("a recipient", conn, SMFIR_CONTINUE)
if mt.data(conn) ~= nil then error("data") end
if mt.header(conn, "Subject", "hello") ~= nil then error("header") end
if mt.eoh(conn) ~= nil then error("eoh") end
if mt.eom(conn) ~= nil then error("eom") end
expect("mail that is dropped", conn, SMFIR_DISCARD)
mt.disconnect(conn)
mt.echo("well spoken")
