"""Who may do what, written down by hand: the table that every form of gbike is held against.

A cell is what must come of the request: `yes` (2xx), `own` and `all` (2xx, and only one's own or everybody's things in
it), `ran` (let in, and refused for another reason), or a refusal: 401, 403, 404. `own` principals ask for what is
theirs, `other` ones for the same things, which are not theirs. `right` is the service that an internal operation is
for, and rent elsewhere; `wrong` is another service that the called one knows, or one that it does not.
"""

COLUMNS = ("anonymous", "rider", "other rider", "manager", "other manager", "admin", "right", "wrong")
ANYBODY = "yes yes yes yes yes yes yes yes"
NOTHING_HERE = "ran ran ran ran ran ran ran ran"
PEOPLE_LIST = "401 own own own own all 401 401"
PEOPLE = "401 yes 404 yes 404 yes 401 401"
PEOPLE_MAKE = "401 yes 403 yes 403 yes 401 401"
SIGNED_IN = "401 yes yes yes yes yes 401 401"
ADMIN = "401 403 403 403 403 yes 401 401"
STAFF = "401 403 403 yes 404 yes 401 401"
STAFF_LIST = "401 403 403 own own all 401 401"
ADMIN_ALL = "401 403 403 403 403 all 401 401"
FLEET = "401 yes yes yes yes yes 403 403"
"""Bike knows two services, so that they are told that they may not (403); elsewhere they are strangers (401)."""
FLEET_ADMIN = "401 403 403 403 403 yes 403 403"
INSIDE = "401 403 403 403 403 403 yes 403"

TABLE: dict[str, dict[str, str]] = {
    "rent": {
        "GET /rents": PEOPLE_LIST,
        "POST /rents": PEOPLE_MAKE,
        "GET /rents/{rentid}": PEOPLE,
        "PATCH /rents/{rentid}": PEOPLE,
        "PUT /rents/{rentid}": PEOPLE,
        "POST /rents/{rentid}/end": ADMIN,
        "POST /rents/{rentid}/void": ADMIN,
    },
    "bike": {
        "GET /bikes": FLEET,
        "POST /bikes": FLEET_ADMIN,
        "GET /bikes/search": FLEET,
        "GET /bikes/search/findByBikeid": FLEET,
        "GET /bikes/search/findByLabel": FLEET,
        "POST /bikes/imports": FLEET_ADMIN,
        "GET /bikes/imports": FLEET_ADMIN,
        "GET /bikes/imports/{importid}": FLEET_ADMIN,
        "GET /bikes/imports/{importid}/rows": FLEET_ADMIN,
        "GET /bikes/chkAndUpdateStatus": NOTHING_HERE,
        "GET /bikes/getReportAndUpdate": NOTHING_HERE,
        "GET /bikes/{bikeid}": FLEET,
        "PATCH /bikes/{bikeid}": FLEET_ADMIN,
        "PUT /bikes/{bikeid}": FLEET_ADMIN,
        "POST /bikes/{bikeid}/retirement": FLEET_ADMIN,
        "DELETE /bikes/{bikeid}/retirement": FLEET_ADMIN,
        "GET /bikes/{bikeid}/holds": FLEET_ADMIN,
        "PUT /bikes/{bikeid}/holds/{holder:str}": FLEET_ADMIN,
        "DELETE /bikes/{bikeid}/holds/{holder:str}": FLEET_ADMIN,
        "GET /bikes/{bikeid}/events": FLEET_ADMIN,
        "GET /places": FLEET,
        "POST /places": FLEET_ADMIN,
        "GET /places/{name:path}": FLEET,
        "GET /internal/bikes/{bikeid}": INSIDE,
        "PUT /internal/bikes/{bikeid}/reservations/{rentid}": INSIDE,
        "PUT /internal/bikes/{bikeid}/reports/{reportid}": INSIDE,
    },
    "billing": {
        "GET /billings": PEOPLE_LIST,
        "GET /billings/tariff": ANYBODY,
        "GET /billings/search": SIGNED_IN,
        "GET /billings/search/findByRentid": PEOPLE,
        "GET /billings/search/findByBillid": PEOPLE,
        "GET /billings/{billid}": PEOPLE,
        "POST /billings/{billid}/corrections": ADMIN,
        "GET /billings/{billid}/corrections": PEOPLE,
    },
    "user_deposit": {
        "GET /userDeposits": PEOPLE_LIST,
        "POST /userDeposits": ADMIN,
        "GET /userDeposits/search": SIGNED_IN,
        "GET /userDeposits/search/findByUserid": PEOPLE,
        "GET /userDeposits/{userid}": PEOPLE,
        "PATCH /userDeposits/{userid}": ADMIN,
        "PUT /userDeposits/{userid}": ADMIN,
        "POST /userDeposits/{userid}/corrections": ADMIN,
        "POST /userDeposits/{userid}/topUps": ADMIN,
        "PUT /userDeposits/{userid}/block": ADMIN,
        "DELETE /userDeposits/{userid}/block": ADMIN,
        "GET /userDeposits/{userid}/entries": PEOPLE,
        "POST /userDeposits/{userid}/payments": PEOPLE_MAKE,
        "GET /userDeposits/{userid}/payments/{paymentid:str}": PEOPLE,
        "POST /userDeposits/{userid}/payments/{paymentid:str}/testPayment": PEOPLE,
        "POST /userDeposits/payments/confirmations": NOTHING_HERE,
    },
    "rent_and_billing_view": {
        "GET /rentAndBillingViews": PEOPLE_LIST,
        "GET /rentAndBillingViews/search": SIGNED_IN,
        "GET /rentAndBillingViews/search/findByRentid": PEOPLE_LIST,
        "GET /rentAndBillingViews/search/findByUserid": PEOPLE_LIST,
        "GET /rentAndBillingViews/changes": "401 ran ran ran ran ran 401 401",
        "GET /rentAndBillingViews/{rentid}": PEOPLE,
    },
    "bike_manage_app": {
        "GET /bikeManageApps": STAFF_LIST,
        "POST /bikeManageApps": "401 403 403 yes 403 403 401 401",
        "GET /bikeManageApps/{reportid}": STAFF,
        "GET /complaints": "401 own own all all all 401 401",
        "POST /complaints": PEOPLE_MAKE,
        "GET /complaints/{complaintid}": "401 yes 404 yes yes yes 401 401",
    },
    "bike_manager": {
        "GET /bikeManagers": STAFF_LIST,
        "POST /bikeManagers": ADMIN,
        "GET /bikeManagers/search": "401 403 403 yes yes yes 401 401",
        "GET /bikeManagers/search/findByManagerid": STAFF,
        "GET /bikeManagers/{managerid}": STAFF,
        "PUT /bikeManagers/{managerid}": STAFF,
        "PATCH /bikeManagers/{managerid}": STAFF,
        "GET /bikeManagers/{managerid}/entries": STAFF,
        "POST /bikeManagers/{managerid}/corrections": ADMIN,
    },
    "account": {
        "POST /accounts": ANYBODY,
        "POST /sessions": ANYBODY,
        "GET /.well-known/jwks.json": ANYBODY,
        "POST /sessions/refresh": NOTHING_HERE,
        "POST /sessions/end": ANYBODY,
        "POST /accounts/passwordResets": ANYBODY,
        "POST /accounts/passwordResets/use": NOTHING_HERE,
        "POST /accounts/invitations": ADMIN,
        "GET /accounts/invitations": ADMIN_ALL,
        "DELETE /accounts/invitations/{invitationid}": ADMIN,
        "POST /accounts/invitations/look": NOTHING_HERE,
        "POST /accounts/invitations/use": NOTHING_HERE,
        "GET /accounts/{userid}": PEOPLE,
        "PATCH /accounts/{userid}": PEOPLE,
        "POST /accounts/{userid}/password": PEOPLE,
        "GET /accounts/{userid}/sessions": PEOPLE,
        "POST /accounts/{userid}/sessions/{sessionid:str}/end": PEOPLE,
        "POST /accounts/{userid}/sessions/end": PEOPLE,
        "POST /accounts/{userid}/authenticator": "401 ran 404 ran 404 ran 401 401",  # their contacts are unproved
        "POST /accounts/{userid}/authenticator/confirmation": "401 ran 404 ran 404 ran 401 401",
        "POST /accounts/{userid}/authenticator/recoveryCodes": "401 ran 404 ran 404 ran 401 401",
        "POST /accounts/{userid}/contact": PEOPLE,
        "POST /accounts/{userid}/contact/code": PEOPLE,
        "POST /accounts/{userid}/contact/proof": "401 ran 404 ran 404 ran 401 401",
        "GET /accounts": ADMIN_ALL,
        "POST /accounts/searches": ADMIN,
        "PUT /accounts/{userid}/roles": ADMIN,
        "POST /accounts/{userid}/authenticator/removal": ADMIN,
        "POST /accounts/{userid}/erasure": "401 ran 404 ran 404 ran 401 401",  # they ride, and have money
    },
}
EVERY_SERVICE = {
    "GET /": ANYBODY,
    "GET /health/live": ANYBODY,
    "GET /health/ready": ANYBODY,
    "GET /actuator/health": ANYBODY,
    "GET /metrics": ADMIN,
    "GET /openapi.json": ANYBODY,
    "GET /docs": ANYBODY,
    "GET /docs/status-codes": ANYBODY,
}
"""What each service answers beside its own and its record; of bike what is an admin's is as FLEET_ADMIN."""


def expected(service: str) -> dict[str, str]:
    """Every route of a service and its row."""
    admins = FLEET_ADMIN if service == "bike" else ADMIN
    deeds = dict.fromkeys((f"GET /audit/{service}", f"GET /audit/{service}/chain"), admins)
    return {**EVERY_SERVICE, "GET /metrics": admins, **deeds, **TABLE.get(service, {})}
